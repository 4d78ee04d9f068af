/// The text that a person edits, of one line or several: keys in, text and cursor out. It draws nothing and reads nothing.
public struct LineEditor: Sendable {
    public enum Outcome: Sendable, Equatable {
        case editing
        /// Enter, with a text that is whole.
        case entered(String)
        /// Control-C: the text is given up.
        case givenUp
        /// Control-D in an empty text.
        case ended
        /// Tab.
        case wantsCompletion
        /// Control-L.
        case wantsClearScreen
    }

    public private(set) var characters: [Character] = []
    /// Between the characters.
    public private(set) var cursor = 0
    public var history: LineHistory
    /// What Control-R looks for; nil if it does not.
    public private(set) var search: String?

    /// Whether more is to come before the text means something; then Enter begins a new line.
    private let isOpen: @Sendable (String) -> Bool
    /// The entry of the history that is shown; its count for none.
    private var place: Int
    /// What was typed before going through the history.
    private var draft = ""
    private var removed: [Character] = []
    private var found = 0

    public init(history: LineHistory = LineHistory(), isOpen: @escaping @Sendable (String) -> Bool) {
        self.history = history
        self.isOpen = isOpen
        place = history.entries.count
    }

    public var text: String { String(characters) }

    public mutating func press(_ key: Key) -> Outcome {
        if search != nil, let outcome = pressInSearch(key) { return outcome }
        switch key {
        case .text(let text): insert(text)
        case .newLine: insert("\n")
        case .enter:
            let text = text
            guard !isOpen(text) else {
                insert("\n")
                return .editing
            }
            history.add(text)
            clear()
            return .entered(text)
        case .tab: return .wantsCompletion
        case .backspace, .control("h"): if cursor > 0 { remove(cursor - 1..<cursor) }
        case .delete: if cursor < characters.count { remove(cursor..<cursor + 1) }
        case .left, .control("b"): cursor = max(0, cursor - 1)
        case .right, .control("f"): cursor = min(characters.count, cursor + 1)
        case .wordLeft: cursor = wordStart
        case .wordRight: cursor = wordEnd
        case .home, .control("a"): cursor = lineStart
        case .end, .control("e"): cursor = lineEnd
        case .up, .control("p"): if !moveLine(by: -1) { show(place - 1) }
        case .down, .control("n"): if !moveLine(by: 1) { show(place + 1) }
        case .control("c"):
            clear()
            return .givenUp
        case .control("d"):
            guard !characters.isEmpty else { return .ended }
            if cursor < characters.count { remove(cursor..<cursor + 1) }
        case .control("k"): cut(cursor..<(lineEnd == cursor ? min(cursor + 1, characters.count) : lineEnd))
        case .control("u"): cut(lineStart..<cursor)
        case .control("w"): cut(wordStart..<cursor)
        case .control("y"): insert(String(removed))
        case .control("l"): return .wantsClearScreen
        case .control("r"):
            search = ""
            found = history.entries.count - 1
        case .control, .escape: break
        }
        return .editing
    }

    /// Puts a completion in place of the characters before the cursor from `start` on.
    public mutating func replace(from start: Int, with text: String) {
        characters.replaceSubrange(start..<cursor, with: Array(text))
        cursor = start + text.count
    }

    // MARK: Searching

    /// Nil where the search ends and the key still has its own meaning.
    private mutating func pressInSearch(_ key: Key) -> Outcome? {
        switch key {
        case .text(let text): look(for: (search ?? "") + text, from: found)
        case .backspace: look(for: String((search ?? "").dropLast()), from: history.entries.count - 1)
        case .control("r"): look(for: search ?? "", from: found - 1)
        case .escape, .control("g"), .control("c"):
            search = nil
            clear()
        default:
            search = nil
            return nil
        }
        return .editing
    }

    /// Shows the newest entry that holds it; if there is none, what was found before stays.
    private mutating func look(for text: String, from index: Int) {
        search = text
        guard !text.isEmpty, let hit = history.find(text, from: index) else { return }
        found = hit.index
        characters = Array(hit.entry)
        cursor = characters.count
    }

    // MARK: Changes

    private mutating func insert(_ text: String) {
        characters.insert(contentsOf: text, at: cursor)
        cursor += text.count
    }

    private mutating func remove(_ range: Range<Int>) {
        characters.removeSubrange(range)
        cursor = range.lowerBound
    }

    private mutating func cut(_ range: Range<Int>) {
        guard !range.isEmpty else { return }
        removed = Array(characters[range])
        remove(range)
    }

    private mutating func clear() {
        characters = []
        cursor = 0
        draft = ""
        place = history.entries.count
    }

    private mutating func show(_ index: Int) {
        guard index != place, (0...history.entries.count).contains(index) else { return }
        if place == history.entries.count { draft = text }
        place = index
        characters = Array(index == history.entries.count ? draft : history.entries[index])
        cursor = characters.count
    }

    // MARK: Places

    private var lineStart: Int { (characters[..<cursor].lastIndex(of: "\n") ?? -1) + 1 }
    private var lineEnd: Int { characters[cursor...].firstIndex(of: "\n") ?? characters.count }

    private var wordStart: Int {
        var place = cursor
        while place > 0, !Self.isWord(characters[place - 1]) { place -= 1 }
        while place > 0, Self.isWord(characters[place - 1]) { place -= 1 }
        return place
    }

    private var wordEnd: Int {
        var place = cursor
        while place < characters.count, !Self.isWord(characters[place]) { place += 1 }
        while place < characters.count, Self.isWord(characters[place]) { place += 1 }
        return place
    }

    private static func isWord(_ character: Character) -> Bool { character.isLetter || character.isNumber || character == "_" }

    /// False if there is no line in that direction.
    private mutating func moveLine(by lines: Int) -> Bool {
        let column = cursor - lineStart
        let target: Int
        if lines < 0 {
            guard lineStart > 0 else { return false }
            target = (characters[..<(lineStart - 1)].lastIndex(of: "\n") ?? -1) + 1
        } else {
            guard lineEnd < characters.count else { return false }
            target = lineEnd + 1
        }
        let end = characters[target...].firstIndex(of: "\n") ?? characters.count
        cursor = min(target + column, end)
        return true
    }
}

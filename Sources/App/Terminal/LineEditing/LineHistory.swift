/// What was entered before, oldest first, within a bound. As a file: one entry a line, `\n` for a line break and `\\` for a backslash.
public struct LineHistory: Sendable {
    public static let limit = 1000

    public private(set) var entries: [String] = []

    public init() {}

    /// Of a file; what lies beyond the bound is left out.
    public init(file: String) {
        for line in file.split(separator: "\n").suffix(LineHistory.limit) { add(LineHistory.unescaped(line)) }
    }

    /// False if there is nothing to remember: an empty text, or the one that came last.
    @discardableResult
    public mutating func add(_ text: String) -> Bool {
        guard !text.isEmpty, text != entries.last else { return false }
        entries.append(text)
        if entries.count > LineHistory.limit { entries.removeFirst() }
        return true
    }

    public var file: String { entries.map { LineHistory.escaped($0) + "\n" }.joined() }

    /// The newest entry at or before `index` that holds the text, and its place.
    public func find(_ text: String, from index: Int) -> (index: Int, entry: String)? {
        var index = min(index, entries.count - 1)
        while index >= 0 {
            if entries[index].contains(text) { return (index, entries[index]) }
            index -= 1
        }
        return nil
    }

    private static func escaped(_ text: String) -> String { text.replacing("\\", with: "\\\\").replacing("\n", with: "\\n") }

    private static func unescaped(_ line: Substring) -> String {
        var text = ""
        var isEscape = false
        for character in line {
            if isEscape {
                text.append(character == "n" ? "\n" : character)
                isEscape = false
            } else if character == "\\" {
                isEscape = true
            } else {
                text.append(character)
            }
        }
        return text
    }
}

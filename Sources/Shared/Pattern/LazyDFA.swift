/// A deterministic automaton whose states are made when a text first needs them.
///
/// It answers only whether a text matches. A state is the set of places in the program where the text so
/// far may have led, before empty moves, and what the assertions must know of the last byte; a transition
/// follows the empty moves with both neighbours known, then the byte. When the cache is full it is emptied
/// and made anew from the state in hand, so time stays linear and memory bounded.
final class LazyDFA {
    private struct State: Hashable {
        var places: [Int32]
        var context: UInt8
    }

    /// Bytes that the table of transitions may take.
    static let cacheBytes = 1 << 20

    private static let unknown: Int32 = -1
    private static let matched: Int32 = -2
    private static let dead: Int32 = -3

    private let program: PatternProgram
    private let isAnchored: Bool
    /// Classes of bytes, and one more for the end of the text.
    private let width: Int
    private let maximumStates: Int
    private var table: [Int32] = []
    private var states: [State] = []
    private var index: [State: Int32] = [:]
    private var seen: [UInt32]
    private var round: UInt32 = 0
    private var stack: [Int32] = []
    /// How often the cache was emptied; for tests.
    private(set) var flushCount = 0

    init(_ program: PatternProgram, isAnchored: Bool) {
        self.program = program
        self.isAnchored = isAnchored
        width = program.classCount + 1
        maximumStates = max(16, LazyDFA.cacheBytes / (width * 4))
        seen = Array(repeating: 0, count: program.code.count)
        reset()
    }

    private func reset() {
        table.removeAll(keepingCapacity: true)
        states.removeAll(keepingCapacity: true)
        index.removeAll(keepingCapacity: true)
        let start = isAnchored ? program.start : program.searchStart
        _ = intern(State(places: [Int32(start)], context: Context.textStart))
    }

    private func intern(_ state: State) -> Int32 {
        if let known = index[state] { return known }
        let number = Int32(states.count)
        states.append(state)
        index[state] = number
        table.append(contentsOf: repeatElement(LazyDFA.unknown, count: width))
        return number
    }

    /// Whether the text matches: all of it if anchored, else any part.
    func matches(_ text: Span<UInt8>) -> Bool {
        var state: Int32 = 0
        for position in 0..<text.count {
            let byte = text[position]
            let slot = Int(state) * width + Int(program.classOfByte[Int(byte)])
            var next = table[slot]
            if next == LazyDFA.unknown { next = makeTransition(from: state, byte) }
            if next < 0 { return next == LazyDFA.matched }
            state = next
        }
        var last = table[Int(state) * width + width - 1]
        if last == LazyDFA.unknown { last = makeTransition(from: state, nil) }
        return last == LazyDFA.matched
    }

    private func makeTransition(from number: Int32, _ byte: UInt8?) -> Int32 {
        let state = states[Int(number)]
        let (places, sawMatch) = step(state, byte)
        let result: Int32
        var isFresh = true
        if sawMatch, !isAnchored || byte == nil {
            result = LazyDFA.matched
        } else if byte == nil || places.isEmpty {
            result = LazyDFA.dead
        } else {
            if states.count >= maximumStates {
                reset()
                flushCount += 1
                isFresh = false
            }
            result = intern(State(places: places, context: Context.after(byte ?? 0, in: program)))
        }
        if isFresh { table[Int(number) * width + (byte.map { Int(program.classOfByte[Int($0)]) } ?? width - 1)] = result }
        return result
    }

    /// Follows empty moves, then the byte.
    private func step(_ state: State, _ byte: UInt8?) -> (places: [Int32], sawMatch: Bool) {
        round &+= 1
        if round == 0 {
            seen = seen.map { _ in 0 }
            round = 1
        }
        var next: [Int32] = []
        var sawMatch = false
        stack.append(contentsOf: state.places)
        while let place = stack.popLast() {
            guard seen[Int(place)] != round else { continue }
            seen[Int(place)] = round
            switch program.code[Int(place)] {
            case .bytes(let low, let high, let target): if let byte, byte >= low, byte <= high { next.append(Int32(target)) }
            case .byteSet(let set, let target): if let byte, set.contains(byte) { next.append(Int32(target)) }
            case .split(let first, let second):
                stack.append(Int32(second))
                stack.append(Int32(first))
            case .assert(let assertion, let target):
                if Context.holds(assertion, before: state.context, next: byte) { stack.append(Int32(target)) }
            case .save(_, let target), .jump(let target): stack.append(Int32(target))
            case .match: sawMatch = true
            case .fail: break
            }
        }
        next.sort()
        return (next.reduce(into: []) { if $0.last != $1 { $0.append($1) } }, sawMatch)
    }
}

/// What assertions must know of the byte before: bits, of which a program keeps only those that it asks for.
enum Context {
    static let textStart: UInt8 = 1
    static let word: UInt8 = 2
    static let newline: UInt8 = 4

    static func isWord(_ byte: UInt8) -> Bool {
        switch byte {
        case 48...57, 65...90, 95, 97...122: true
        default: false
        }
    }

    static func after(_ byte: UInt8, in program: PatternProgram) -> UInt8 {
        (program.usesWord && isWord(byte) ? word : 0) | (program.usesLines && byte == 10 ? newline : 0)
    }

    static func holds(_ assertion: PatternNode.Assertion, before: UInt8, next: UInt8?) -> Bool {
        switch assertion {
        case .textStart: before & textStart != 0
        case .textEnd: next == nil
        case .lineStart: before & (textStart | newline) != 0
        case .lineEnd: next == nil || next == 10
        case .wordBoundary: (before & word != 0) != (next.map(isWord) ?? false)
        case .notWordBoundary: (before & word != 0) == (next.map(isWord) ?? false)
        }
    }
}

/// A regular expression as a non-deterministic automaton over UTF-8 bytes (Thompson's construction).
struct PatternProgram: Sendable {
    enum Instruction: Sendable {
        /// Goes on at `next` if the byte lies in the range.
        case bytes(UInt8, UInt8, next: Int)
        /// Goes on at `next` if the byte is in the set: four words of 64 bits.
        case byteSet(ByteSet, next: Int)
        /// Tries the first branch before the second.
        case split(Int, Int)
        case assert(PatternNode.Assertion, next: Int)
        case save(Int, next: Int)
        case jump(Int)
        case match
        case fail
    }

    /// Bounds memory and the time a byte takes.
    static let maximumSize = 40_000

    private(set) var code: [Instruction] = []
    private(set) var usesWord = false
    private(set) var usesLines = false
    /// Where a match begins that must start at the given place.
    private(set) var start = 0
    /// As `start`, but a match may begin at any later byte too.
    private(set) var searchStart = 0
    /// Which of the 256 bytes behave alike: an index into the DFA's rows.
    private(set) var classOfByte: [UInt8] = []
    private(set) var classCount = 0

    init(_ node: PatternNode) throws(PatternError) {
        code.append(.save(0, next: 1))
        try emit(node)
        code.append(.save(1, next: code.count + 1))
        code.append(.match)
        searchStart = code.count
        code.append(.split(start, searchStart + 1))
        code.append(.bytes(0, 255, next: searchStart))
        classifyBytes()
    }

    /// Appends code for `node` that falls through to the next instruction.
    private mutating func emit(_ node: PatternNode) throws(PatternError) {
        if code.count > PatternProgram.maximumSize {
            throw PatternError(offset: 0, message: "the expression is too large: its repetitions unfold to more than \(PatternProgram.maximumSize) steps")
        }
        switch node {
        case .empty: break
        case .set(let set): emit(set)
        case .concatenation(let nodes): for node in nodes { try emit(node) }
        case .group(let node, let number):
            code.append(.save(2 * number, next: code.count + 1))
            try emit(node)
            code.append(.save(2 * number + 1, next: code.count + 1))
        case .assertion(let assertion):
            switch assertion {
            case .wordBoundary, .notWordBoundary: usesWord = true
            case .lineStart, .lineEnd: usesLines = true
            case .textStart, .textEnd: break
            }
            code.append(.assert(assertion, next: code.count + 1))
        case .alternation(let nodes):
            var exits: [Int] = []
            for (position, node) in nodes.enumerated() {
                let isLast = position == nodes.count - 1
                let split = code.count
                if !isLast { code.append(.fail) }
                try emit(node)
                guard !isLast else { break }
                exits.append(code.count)
                code.append(.fail)
                code[split] = .split(split + 1, code.count)
            }
            for exit in exits { code[exit] = .jump(code.count) }
        case .repetition(let inner, let least, let most, let isGreedy): try emitRepetition(inner, least, most, isGreedy)
        }
    }

    private mutating func emitRepetition(_ inner: PatternNode, _ least: Int, _ most: Int?, _ isGreedy: Bool) throws(PatternError) {
        for _ in 0..<least {
            let size = code.count
            try emit(inner)
            // Nothing repeated is nothing: nested counts of it would take forever.
            if code.count == size { break }
        }
        func branch(_ body: Int, _ exit: Int) -> Instruction { isGreedy ? .split(body, exit) : .split(exit, body) }
        guard let most else {
            let split = code.count
            code.append(.fail)
            // A loop over "any scalar" runs byte by byte: whatever follows must begin at a scalar's first byte
            // anyway, it needs fewer states, and bytes that are not UTF-8 do not stop it.
            if inner == .set(.any) {
                code.append(.bytes(0, 255, next: split))
            } else if inner == .set(.anyButNewline) {
                var set = ByteSet()
                set.insert(0...9)
                set.insert(11...255)
                code.append(.byteSet(set, next: split))
            } else {
                try emit(inner)
                code.append(.jump(split))
            }
            code[split] = branch(split + 1, code.count)
            return
        }
        var splits: [Int] = []
        for _ in least..<most {
            splits.append(code.count)
            code.append(.fail)
            try emit(inner)
        }
        for split in splits { code[split] = branch(split + 1, code.count) }
    }

    /// Appends code for one scalar of the set.
    private mutating func emit(_ set: ScalarSet) {
        var ascii = ByteSet()
        var sequences: [[ClosedRange<UInt8>]] = []
        for range in set.ranges {
            if range.lowerBound < 0x80 { ascii.insert(UInt8(range.lowerBound)...UInt8(min(range.upperBound, 0x7F))) }
            if range.upperBound >= 0x80 { UTF8Ranges.split(max(range.lowerBound, 0x80)...range.upperBound, into: &sequences) }
        }
        var choices: [[Instruction]] = []
        if let range = ascii.asRange {
            choices.append([.bytes(range.lowerBound, range.upperBound, next: 0)])
        } else if !ascii.isEmpty {
            choices.append([.byteSet(ascii, next: 0)])
        }
        for sequence in sequences { choices.append(sequence.map { .bytes($0.lowerBound, $0.upperBound, next: 0) }) }
        guard !choices.isEmpty else {
            code.append(.fail)
            return
        }
        let size = choices.reduce(0) { $0 + $1.count } + choices.count - 1
        let exit = code.count + size
        for (position, choice) in choices.enumerated() {
            if position < choices.count - 1 { code.append(.split(code.count + 1, code.count + 1 + choice.count)) }
            for (index, instruction) in choice.enumerated() {
                let next = index == choice.count - 1 ? exit : code.count + 1
                switch instruction {
                case .bytes(let low, let high, _): code.append(.bytes(low, high, next: next))
                case .byteSet(let set, _): code.append(.byteSet(set, next: next))
                default: preconditionFailure("only byte tests make a set")
                }
            }
        }
    }

    private mutating func classifyBytes() {
        // A byte starts a new class where any instruction's verdict changes.
        var isEdge = Array(repeating: false, count: 257)
        isEdge[0] = true
        for instruction in code {
            switch instruction {
            case .bytes(let low, let high, _):
                isEdge[Int(low)] = true
                isEdge[Int(high) + 1] = true
            case .byteSet(let set, _):
                for byte in 1..<256 where set.contains(UInt8(byte)) != set.contains(UInt8(byte - 1)) { isEdge[byte] = true }
            default: break
            }
        }
        if usesLines {
            isEdge[10] = true
            isEdge[11] = true
        }
        if usesWord { for edge in [48, 58, 65, 91, 95, 96, 97, 123] { isEdge[edge] = true } }
        var current = -1
        for byte in 0..<256 {
            if isEdge[byte] { current += 1 }
            classOfByte.append(UInt8(current))
        }
        classCount = current + 1
    }
}

/// A set of bytes in 256 bits.
struct ByteSet: Sendable, Hashable {
    private var words: SIMD4<UInt64> = .zero
    mutating func insert(_ bytes: ClosedRange<UInt8>) { for byte in bytes { words[Int(byte >> 6)] |= 1 << UInt64(byte & 63) } }
    func contains(_ byte: UInt8) -> Bool { words[Int(byte >> 6)] & (1 << UInt64(byte & 63)) != 0 }
    var isEmpty: Bool { words == .zero }
    /// The set as one range, if it is one.
    var asRange: ClosedRange<UInt8>? {
        guard let low = (UInt8.min...UInt8.max).first(where: contains), let high = (UInt8.min...UInt8.max).last(where: contains),
            (low...high).allSatisfy(contains)
        else { return nil }
        return low...high
    }
}

/// Ranges of scalars as sequences of byte ranges of their UTF-8 forms.
enum UTF8Ranges {
    static func split(_ range: ClosedRange<UInt32>, into sequences: inout [[ClosedRange<UInt8>]]) {
        // Surrogates are no scalars; a text's bytes never encode them.
        if range.lowerBound < 0xE000, range.upperBound > 0xD7FF {
            if range.lowerBound < 0xD800 { split(range.lowerBound...0xD7FF, into: &sequences) }
            if range.upperBound > 0xDFFF { split(0xE000...range.upperBound, into: &sequences) }
            return
        }
        for limit in [UInt32(0x7F), 0x7FF, 0xFFFF] where range.lowerBound <= limit && range.upperBound > limit {
            split(range.lowerBound...limit, into: &sequences)
            split((limit + 1)...range.upperBound, into: &sequences)
            return
        }
        // Make every byte but the first that differs range over all continuation bytes.
        for bits in [UInt32(6), 12, 18] where range.upperBound > 0x7F {
            let mask = UInt32(1) << bits - 1
            guard range.lowerBound & ~mask != range.upperBound & ~mask else { continue }
            if range.lowerBound & mask != 0 {
                split(range.lowerBound...(range.lowerBound | mask), into: &sequences)
                split(((range.lowerBound | mask) + 1)...range.upperBound, into: &sequences)
                return
            }
            if range.upperBound & mask != mask {
                split(range.lowerBound...((range.upperBound & ~mask) - 1), into: &sequences)
                split((range.upperBound & ~mask)...range.upperBound, into: &sequences)
                return
            }
        }
        sequences.append(zip(encode(range.lowerBound), encode(range.upperBound)).map { $0...$1 })
    }

    private static func encode(_ value: UInt32) -> [UInt8] {
        func tail(_ shift: UInt32) -> UInt8 { 0x80 | UInt8(value >> shift & 0x3F) }
        switch value {
        case ..<0x80: return [UInt8(value)]
        case ..<0x800: return [0xC0 | UInt8(value >> 6), tail(0)]
        case ..<0x10000: return [0xE0 | UInt8(value >> 12), tail(6), tail(0)]
        default: return [0xF0 | UInt8(value >> 18), tail(12), tail(6), tail(0)]
        }
    }
}

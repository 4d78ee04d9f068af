/// Runs a program over a text with all its threads in step, and keeps where each group began and ended.
///
/// Time is the text's length times the program's; memory is the program's size times the groups.
/// (Rob Pike's sam, as told by Russ Cox, "Regular Expression Matching: the Virtual Machine Approach".)
struct PikeMachine {
    private struct Threads {
        var places: [Int] = []
        var slots: [[Int]] = []
        var mark: [UInt32]
        var round: UInt32 = 1
        init(size: Int) { mark = Array(repeating: 0, count: size) }
        mutating func clear() {
            places.removeAll(keepingCapacity: true)
            slots.removeAll(keepingCapacity: true)
            round += 1
        }
    }

    private let program: PatternProgram
    private let slotCount: Int
    private var current: Threads
    private var next: Threads

    init(_ program: PatternProgram, groupCount: Int) {
        self.program = program
        slotCount = 2 * (groupCount + 1)
        current = Threads(size: program.code.count)
        next = Threads(size: program.code.count)
    }

    /// The leftmost match at or after `from`, of several the one that the expression prefers, as pairs of offsets
    /// a group (-1 where a group took no part). Anchored: only a match of `from` to the end.
    mutating func run(_ text: Span<UInt8>, from: Int, isAnchored: Bool) -> [Int]? {
        var best: [Int]?
        current.clear()
        var context = from == 0 ? Context.textStart : Context.after(text[from - 1], in: program)
        var position = from
        while true {
            let byte = position < text.count ? text[position] : nil
            if best == nil, !isAnchored || position == from {
                add(program.start, Array(repeating: -1, count: slotCount), to: \.current, position, context, byte)
            }
            if current.places.isEmpty, best != nil || isAnchored { break }
            next.clear()
            let after = byte.map { Context.after($0, in: program) } ?? 0
            let following = position + 1 < text.count ? text[position + 1] : nil
            threads: for index in current.places.indices {
                let slots = current.slots[index]
                switch program.code[current.places[index]] {
                case .bytes(let low, let high, let target):
                    if let byte, byte >= low, byte <= high { add(target, slots, to: \.next, position + 1, after, following) }
                case .byteSet(let set, let target):
                    if let byte, set.contains(byte) { add(target, slots, to: \.next, position + 1, after, following) }
                case .match:
                    if isAnchored, byte != nil { continue }
                    best = slots
                    // Threads behind this one are less preferred.
                    break threads
                default: break
                }
            }
            swap(&current, &next)
            guard byte != nil else { break }
            context = after
            position += 1
        }
        return best
    }

    /// Adds the places that empty moves reach, in order of preference.
    private mutating func add(
        _ place: Int, _ slots: [Int], to list: WritableKeyPath<PikeMachine, Threads>, _ position: Int, _ context: UInt8, _ byte: UInt8?
    ) {
        var stack: [(Int, [Int])] = [(place, slots)]
        while let (place, slots) = stack.popLast() {
            guard self[keyPath: list].mark[place] != self[keyPath: list].round else { continue }
            self[keyPath: list].mark[place] = self[keyPath: list].round
            switch program.code[place] {
            case .split(let first, let second):
                stack.append((second, slots))
                stack.append((first, slots))
            case .jump(let target): stack.append((target, slots))
            case .save(let slot, let target):
                var slots = slots
                if slot < slotCount { slots[slot] = position }
                stack.append((target, slots))
            case .assert(let assertion, let target):
                if Context.holds(assertion, before: context, next: byte) { stack.append((target, slots)) }
            case .fail: break
            case .bytes, .byteSet, .match:
                self[keyPath: list].places.append(place)
                self[keyPath: list].slots.append(slots)
            }
        }
    }
}

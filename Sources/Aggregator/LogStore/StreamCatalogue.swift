import Synchronization
import Telemetry

/// The streams that the store knows, by number and by labels. In memory; `LogWAL` and each day file keep them on disk.
final class StreamCatalogue: Sendable {
    private struct State {
        var labels: [Int: Labels] = [:]
        var numbers: [Labels: Int] = [:]
        var next = 1
    }
    private let state = Mutex(State())

    var count: Int { state.withLock { $0.labels.count } }
    /// The number that the next new stream gets.
    var nextNumber: Int { state.withLock { $0.next } }

    func number(of labels: Labels) -> Int? { state.withLock { $0.numbers[labels] } }
    func labels(of number: Int) -> Labels? { state.withLock { $0.labels[number] } }
    func labels(of numbers: some Sequence<Int>) -> [Int: Labels] {
        state.withLock { state in
            Dictionary(numbers.compactMap { number in state.labels[number].map { (number, $0) } }, uniquingKeysWith: { first, _ in first })
        }
    }

    /// False if the number or the labels are taken otherwise.
    @discardableResult
    func insert(_ number: Int, _ labels: Labels) -> Bool {
        state.withLock { state in
            if let known = state.labels[number] { return known == labels }
            guard state.numbers[labels] == nil else { return false }
            state.labels[number] = labels
            state.numbers[labels] = number
            state.next = max(state.next, number + 1)
            return true
        }
    }

    func remove(_ number: Int) {
        state.withLock { state in
            if let labels = state.labels.removeValue(forKey: number) { state.numbers[labels] = nil }
        }
    }

    /// The streams that satisfy all matchers; nil for no matchers, which all streams satisfy.
    func matching(_ matchers: [Matcher]) -> Set<Int>? {
        guard !matchers.isEmpty else { return nil }
        return state.withLock { state in
            Set(state.labels.compactMap { number, labels in matchers.allSatisfy { $0.accepts(labels) } ? number : nil })
        }
    }

    var all: [(number: Int, labels: Labels)] { state.withLock { $0.labels.map { ($0.key, $0.value) } } }

    /// Where each stream stands when streams of one kind are laid side by side: by namespace, container, then pod.
    func ranks(of numbers: Set<Int>) -> [Int: Int] {
        let keys = labels(of: numbers).map { number, labels in
            (number: number, key: [labels["namespace"], labels["container"], labels["stream"], labels["pod"]])
        }
        let sorted = keys.sorted { $0.key == $1.key ? $0.number < $1.number : $0.key.lexicographicallyPrecedes($1.key) }
        return Dictionary(uniqueKeysWithValues: sorted.enumerated().map { ($1.number, $0) })
    }
}

extension Labels {
    /// For each label in order the counts and the bytes of its name and value.
    var encoded: [UInt8] {
        var writer = ByteWriter()
        for label in list {
            for text in [label.name, label.value] {
                writer.count(text.utf8.count)
                writer.append(Array(text.utf8))
            }
        }
        return writer.bytes
    }

    init(encoded bytes: [UInt8]) throws(CodingError) {
        var reader = ByteReader(bytes)
        var pairs: [(String, String)] = []
        while !reader.isAtEnd {
            let name = try reader.take(try reader.count(upTo: 1 << 20))
            let value = try reader.take(try reader.count(upTo: 1 << 20))
            pairs.append((String(decoding: name, as: UTF8.self), String(decoding: value, as: UTF8.self)))
        }
        self.init(pairs)
    }
}

import Telemetry

extension Binary.Matching {
    /// By which labels a series finds others.
    func key(of labels: Labels) -> Labels {
        isOn ? labels.keeping(Set(self.labels)) : labels.dropping(Set(self.labels).union([Labels.metricName]))
    }

    /// A number for each series of both sides, equal where keys are; below `count`.
    func numbers(_ left: [SeriesColumn], _ right: [SeriesColumn]) -> (left: [Int], right: [Int], count: Int) {
        let names = Set(labels)
        var index: [String: Int] = [:]
        var key = KeyText()
        func number(_ column: SeriesColumn) -> Int {
            key.clear()
            if isOn {
                for name in labels { key.add(column.labels[name]) }
            } else {
                for label in column.labels.list where label.name != Labels.metricName && !names.contains(label.name) {
                    key.add(label.name)
                    key.add(label.value)
                }
            }
            if let known = index[key.text] { return known }
            index[key.text] = index.count
            return index.count - 1
        }
        return (left.map(number), right.map(number), index.count)
    }
}

/// Several texts as one, which is quicker to find than a label set. Each has its length before it, so that no two lists read the same.
struct KeyText {
    private(set) var text = ""

    mutating func clear() { text.removeAll(keepingCapacity: true) }

    mutating func add(_ part: String) {
        // Five bits a character, and one that says whether more follow: in ASCII, for texts of nothing else are hashed quickest.
        var rest = part.utf8.count
        repeat {
            text.unicodeScalars.append(Unicode.Scalar(UInt8(0x40 | rest & 31 | (rest > 31 ? 0x20 : 0))))
            rest >>= 5
        } while rest > 0
        text += part
    }
}

/// Arithmetic and comparison of two vectors. Series find each other by their keys; which of several with one
/// key takes part is decided at each step, since only one may have an element there.
struct VectorMatching {
    private let binary: Binary
    private let stepCount: Int
    private let matching: Binary.Matching
    /// With group_right the right side has the many.
    private let isSwapped: Bool
    private let names: Set<String>
    private var index: [Labels: Int] = [:]
    private var result: [SeriesColumn] = []

    init(_ binary: Binary, _ stepCount: Int) {
        self.binary = binary
        self.stepCount = stepCount
        matching = binary.matching
        isSwapped = binary.matching.cardinality == .oneToMany
        names = Set(binary.matching.labels)
    }

    mutating func match(_ left: [SeriesColumn], _ right: [SeriesColumn], _ evaluator: Evaluator) async throws(QueryError) -> [SeriesColumn] {
        let binary = binary, names = names, matching = matching
        func resultLabels(_ many: Labels, _ one: Labels) -> Labels { VectorMatching.resultLabels(many, one, binary, names) }
        let many = isSwapped ? right : left, one = isSwapped ? left : right
        let (manyKeys, oneKeys, keyCount) = matching.numbers(many, one)
        var partners: [[Int]] = Array(repeating: [], count: keyCount)
        for (number, key) in oneKeys.enumerated() { partners[key].append(number) }
        let manyFill = isSwapped ? matching.fillRight : matching.fillLeft
        let oneFill = isSwapped ? matching.fillLeft : matching.fillRight
        for numbers in partners where numbers.count > 1 {
            try checkOne(numbers, one) { step in manyFill != nil || many.contains { !$0.values[step].isAbsent } }
        }

        // For one-to-one: which steps of a key have a result, by any series of the left side.
        var taken: [[Bool]] = Array(repeating: [], count: keyCount)
        let isOneToOne = matching.cardinality == .oneToOne
        for (column, key) in zip(many, manyKeys) {
            let found = partners[key]
            if found.isEmpty, oneFill == nil { continue }
            try await evaluator.pause(after: stepCount * max(1, found.count))
            var bits: [Bool] = []
            if isOneToOne {
                swap(&bits, &taken[key])
                if bits.isEmpty { bits = Array(repeating: false, count: stepCount) }
            }
            for partner in found {
                try join(column.values, one[partner].values, evaluator, &bits) { resultLabels(column.labels, one[partner].labels) }
            }
            if let oneFill {
                var missing = column.values
                for partner in found { for step in 0..<stepCount where !one[partner].values[step].isAbsent { missing[step] = .absent } }
                try join(missing, Array(repeating: oneFill, count: stepCount), evaluator, &bits) { resultLabels(column.labels, Labels()) }
            }
            if isOneToOne { swap(&bits, &taken[key]) }
        }
        if let manyFill {
            var members: [[Int]] = Array(repeating: [], count: keyCount)
            for (number, key) in manyKeys.enumerated() { members[key].append(number) }
            for (column, key) in zip(one, oneKeys) {
                var missing = column.values
                for member in members[key] { for step in 0..<stepCount where !many[member].values[step].isAbsent { missing[step] = .absent } }
                var bits: [Bool] = []
                // The element that is made up has the labels by which it was looked for.
                try join(Array(repeating: manyFill, count: stepCount), missing, evaluator, &bits) {
                    resultLabels(matching.key(of: column.labels), column.labels)
                }
            }
        }
        return result
    }

    /// Two elements of one key on the side that must have one are an error wherever the other side has any element.
    private func checkOne(_ numbers: [Int], _ one: [SeriesColumn], _ isMatched: (Int) -> Bool) throws(QueryError) {
        for step in 0..<stepCount {
            let present = numbers.filter { !one[$0].values[step].isAbsent }
            guard present.count > 1, isMatched(step) else { continue }
            let pair = present.prefix(2).map { one[$0].labels }.sorted()
            throw .execution(
                "found duplicate series for the match group \(matching.key(of: pair[0])) on the \(isSwapped ? "left" : "right") hand-side of the operation: "
                    + "[\(pair[0]), \(pair[1])];many-to-many matching not allowed: matching labels must be unique on one side"
            )
        }
    }

    /// Combines what both columns have; the labels are made only if there is a result.
    private mutating func join(
        _ manyValues: [Double], _ oneValues: [Double], _ evaluator: Evaluator, _ bits: inout [Bool], _ makeLabels: () -> Labels
    ) throws(QueryError) {
        let joined = isSwapped ? binary.combined(oneValues, manyValues) : binary.combined(manyValues, oneValues)
        guard !joined.isEmptyColumn else { return }
        if !bits.isEmpty {
            for step in 0..<stepCount where !joined[step].isAbsent {
                if bits[step] { throw .execution("multiple matches for labels: many-to-one matching must be explicit (group_left/group_right)") }
                bits[step] = true
            }
        }
        let labels = makeLabels()
        guard let known = index[labels] else {
            index[labels] = result.count
            try evaluator.account(stepCount, series: 1)
            result.append(SeriesColumn(labels: labels, values: joined))
            return
        }
        for step in 0..<stepCount where !joined[step].isAbsent {
            guard result[known].values[step].isAbsent else {
                throw .execution("multiple matches for labels: grouping labels must ensure unique matches")
            }
            result[known].values[step] = joined[step]
        }
    }

    private static func resultLabels(_ many: Labels, _ one: Labels, _ binary: Binary, _ names: Set<String>) -> Labels {
        let matching = binary.matching
        var labels = binary.isFilter ? many : many.withoutName
        if matching.cardinality == .oneToOne { labels = matching.isOn ? labels.keeping(names) : labels.dropping(names) }
        for name in matching.include { labels[name] = one[name] }
        return labels
    }
}

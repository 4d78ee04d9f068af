import Pattern
import Telemetry

/// Functions that change or order by labels.
extension Evaluator {
    func labelFunction(_ name: String, _ arguments: [Expression], _ steps: Steps) async throws(QueryError) -> [SeriesColumn] {
        var texts: [String] = []
        for argument in arguments.dropFirst() { texts.append(try string(argument)) }
        var columns = try await vector(arguments[0], steps)
        switch name {
        case "label_replace":
            guard Evaluator.isLabelName(texts[0]) else { throw .execution("invalid destination label name in label_replace(): \(texts[0])") }
            let pattern: Pattern
            do throws(PatternError) {
                pattern = try Pattern(texts[3], anchored: true)
            } catch {
                throw .execution("invalid regular expression in label_replace(): \(texts[3]): \(error.message)")
            }
            let template = ReplacementTemplate(texts[1])
            for index in columns.indices {
                let source = Array(columns[index].labels[texts[2]].utf8)
                guard let groups = pattern.groups(in: source) else { continue }
                columns[index].labels[texts[0]] = template.expand(source, groups, names: pattern.groupNames)
            }
            return try merged(columns)
        case "label_join":
            guard Evaluator.isLabelName(texts[0]) else { throw .execution("invalid destination label name in label_join(): \(texts[0])") }
            for index in columns.indices {
                let labels = columns[index].labels
                columns[index].labels[texts[0]] = texts.dropFirst(2).map { labels[$0] }.joined(separator: texts[1])
            }
            return try merged(columns)
        default:
            guard steps.count == 1 else { return columns }
            let isDescending = name == "sort_by_label_desc"
            return columns.sorted { left, right in
                for text in texts {
                    let a = left.labels[text], b = right.labels[text]
                    if a == b { continue }
                    return isDescending ? Evaluator.precedesNaturally(b, a) : Evaluator.precedesNaturally(a, b)
                }
                return isDescending ? right.labels < left.labels : left.labels < right.labels
            }
        }
    }

    /// Any UTF-8 text but the empty one is a label's name since Prometheus 3.
    static func isLabelName(_ name: String) -> Bool { !name.isEmpty }

    /// Whether `a` comes before `b` if runs of digits count as numbers: `node2` before `node10`.
    static func precedesNaturally(_ a: String, _ b: String) -> Bool {
        var left = Array(a.utf8)[...], right = Array(b.utf8)[...]
        func takeNumber(_ text: inout ArraySlice<UInt8>) -> ArraySlice<UInt8> {
            let digits = text.prefix { (48...57).contains($0) }
            text = text.dropFirst(digits.count)
            return digits.drop { $0 == 48 }
        }
        while let x = left.first, let y = right.first {
            if (48...57).contains(x), (48...57).contains(y) {
                let m = takeNumber(&left), n = takeNumber(&right)
                if m.count != n.count { return m.count < n.count }
                if !m.elementsEqual(n) { return m.lexicographicallyPrecedes(n) }
                continue
            }
            if x != y { return x < y }
            left = left.dropFirst()
            right = right.dropFirst()
        }
        return left.isEmpty != right.isEmpty ? left.isEmpty : a < b
    }
}

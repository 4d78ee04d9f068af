import PromQL
import Telemetry

/// The notation of values in promtool's unit tests: `1 2 _ stale`, `0+10x5`, `3x2`, `_x4`.
enum SeriesNotation {
    /// The most values that one series may have, so that a slip of the finger does not fill the memory.
    static let maximumValues = 1_000_000

    struct Problem: Error, CustomStringConvertible { var description: String }

    /// Nil is no sample.
    static func values(_ text: String) throws(Problem) -> [Double?] {
        var values: [Double?] = []
        for word in text.split(whereSeparator: { $0 == " " || $0 == "\n" || $0 == "\t" }) {
            try append(String(word), to: &values)
            guard values.count <= maximumValues else { throw Problem(description: "more than \(maximumValues) values") }
        }
        return values
    }

    private static func append(_ word: String, to values: inout [Double?]) throws(Problem) {
        if word == "_" { return values.append(nil) }
        if word == "stale" { return values.append(.stale) }
        let bad = Problem(description: "\"\(word)\" is no value; expected a number, _, stale, or a pattern such as 0+10x5")
        // No hexadecimal numbers here: `0x4` is five times 0.
        guard let cross = word.lastIndex(of: "x") else {
            guard let value = number(word) else { throw bad }
            return values.append(value)
        }
        guard let times = Int(word[word.index(after: cross)...]), times >= 0, times <= maximumValues else { throw bad }
        let pattern = String(word[..<cross])
        if pattern == "_" { return values.append(contentsOf: repeatElement(nil, count: times)) }
        // The sign between start and step; not the number's own, nor that of an exponent.
        let split = pattern.indices.dropFirst().last { "+-".contains(pattern[$0]) && !"eE".contains(pattern[pattern.index(before: $0)]) }
        guard let start = number(split.map { String(pattern[..<$0]) } ?? pattern), let step = split.map({ number(String(pattern[$0...])) }) ?? 0
        else { throw bad }
        values.append(contentsOf: (0...times).map { start + Double($0) * step })
    }

    private static func number(_ text: String) -> Double? {
        switch text.lowercased() {
        case "nan": .nan
        case "inf", "+inf": .infinity
        case "-inf": -.infinity
        default: text.utf8.allSatisfy { (0x30...0x39).contains($0) || "+-.eE".utf8.contains($0) } ? Double(text) : nil
        }
    }
}

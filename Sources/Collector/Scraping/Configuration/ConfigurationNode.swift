import JSON
import Pattern

/// A value of a configuration, and where it is, for the message if it is wrong.
struct ConfigurationNode {
    let value: JSON
    let place: String

    init(_ value: JSON, place: String) {
        self.value = value
        self.place = place
    }

    var isNull: Bool { value.isNull }
    subscript(key: String) -> ConfigurationNode { ConfigurationNode(value[key], place: place.contains(": ") ? "\(place).\(key)" : "\(place): \(key)") }

    func error(_ problem: String) -> ScrapeFileError { ScrapeFileError(place: place, problem: problem) }

    private func wrong(_ expected: String) -> ScrapeFileError {
        switch value {
        case .string(let text): error("is \"\(text.prefix(80))\", expected \(expected)")
        case .null: error("is missing, expected \(expected)")
        default: error("is a \(value.typeName == "integer" ? "number" : value.typeName), expected \(expected)")
        }
    }

    /// The members of a map; none if it is absent.
    func members() throws(ScrapeFileError) -> [(String, ConfigurationNode)] {
        if isNull { return [] }
        guard let object = value.object else { throw wrong("a map") }
        return object.keys.map { ($0, self[$0]) }
    }

    /// The elements of a list; none if it is absent.
    func elements() throws(ScrapeFileError) -> [ConfigurationNode] {
        if isNull { return [] }
        guard let array = value.array else { throw wrong("a list") }
        return array.enumerated().map { ConfigurationNode($1, place: "\(place)[\($0)]") }
    }

    func text() throws(ScrapeFileError) -> String {
        // YAML reads 9090 and true without quotes as what they look like.
        switch value {
        case .string(let text): return text
        case .integer(let number): return "\(number)"
        case .bool(let flag): return "\(flag)"
        case .number(let number): return "\(number)"
        default: throw wrong("a text")
        }
    }

    func texts() throws(ScrapeFileError) -> [String] {
        var texts: [String] = []
        for element in try elements() { texts.append(try element.text()) }
        return texts
    }

    func flag() throws(ScrapeFileError) -> Bool {
        guard let flag = value.bool else { throw wrong("true or false") }
        return flag
    }

    func whole() throws(ScrapeFileError) -> Int {
        guard let number = value.int, number >= 0 else { throw wrong("a whole number") }
        return number
    }

    /// `1h30m`, `15s`, `500ms`: units y, w, d, h, m, s, ms from the largest to the smallest.
    func duration() throws(ScrapeFileError) -> Duration {
        let expected = "a whole number and a unit, such as 15s"
        guard let text = value.string ?? (value.int == 0 ? "0s" : nil), let duration = ConfigurationNode.duration(text), duration > .zero else {
            throw wrong(expected)
        }
        return duration
    }

    static func duration(_ text: String) -> Duration? {
        let units: [(String, Int64)] = [
            ("ms", 1), ("y", 31_536_000_000), ("w", 604_800_000), ("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1000),
        ]
        var rest = text[...]
        var total: Int64 = 0
        var smallest = Int64.max
        while !rest.isEmpty {
            let digits = rest.prefix { $0.isASCII && $0.isNumber }
            rest = rest.dropFirst(digits.count)
            guard let number = Int64(digits), let (name, unit) = units.first(where: { rest.hasPrefix($0.0) }), unit < smallest else { return nil }
            let (product, isTooLarge) = number.multipliedReportingOverflow(by: unit)
            let (sum, overflows) = total.addingReportingOverflow(product)
            guard !isTooLarge, !overflows else { return nil }
            total = sum
            smallest = unit
            rest = rest.dropFirst(name.count)
        }
        return smallest == .max ? nil : .milliseconds(total)
    }

    /// `10MB`, `512KiB`: both mean powers of 1024, as in Prometheus; 0 is no limit of its own.
    func byteCount() throws(ScrapeFileError) -> Int {
        if let number = value.int, number >= 0 { return number == 0 ? 64 << 20 : number }
        guard let text = value.string else { throw wrong("a size, such as 10MB") }
        let digits = text.prefix { $0.isASCII && $0.isNumber }
        let shifts = ["": 0, "B": 0, "KB": 10, "KIB": 10, "MB": 20, "MIB": 20, "GB": 30, "GIB": 30]
        guard let number = Int(digits), let shift = shifts[text.dropFirst(digits.count).uppercased()], number < 1 << 30 else {
            throw wrong("a size, such as 10MB")
        }
        return number == 0 ? 64 << 20 : number << shift
    }

    func pattern() throws(ScrapeFileError) -> Pattern {
        let text = try text()
        do {
            return try Pattern(text, anchored: true)
        } catch {
            throw self.error("is no regular expression: \(error)")
        }
    }
}

import HTTP

/// What version 2 of cAdvisor's interface takes in the query: whose name it is, how much of the past, how deep, how fresh.
struct RequestOptions: Sendable, Equatable {
    enum IDType: String, Sendable { case name, docker, podman }

    var type = IDType.name
    /// The newest so many; -1 is all.
    var count = 64
    var isRecursive = false
    /// Readings that are older are taken anew.
    var maximumAge: Duration?

    init() {}

    init(_ request: HTTPRequest) throws(CadvisorAPI.Failure) {
        if let text = request.parameter("type"), !text.isEmpty {
            guard let known = IDType(rawValue: text) else { throw .init("unknown 'type' \(CadvisorAPI.quoted(text))") }
            type = known
        }
        if let text = request.parameter("count"), !text.isEmpty {
            guard let number = Int(text) else { throw .init("failed to parse 'count' option: \(text)") }
            guard number >= -1 else { throw .init("invalid 'count' option: only -1 and larger values allowed, not \(number)") }
            count = number
        }
        isRecursive = request.parameter("recursive") == "true"
        if let text = request.parameter("max_age"), !text.isEmpty {
            guard let age = GoDuration.parse(text) else {
                throw .init("failed to parse 'max_age' option: time: invalid duration \(CadvisorAPI.quoted(text))")
            }
            maximumAge = age
        }
    }

    var limit: Int { count < 0 ? .max : count }
}

/// Durations as Go writes them: `1m30s`, `1.5h`, `250ms`, `0`.
enum GoDuration {
    private static let units: [(name: String, nanoseconds: Double)] = [
        ("ns", 1), ("us", 1e3), ("µs", 1e3), ("ms", 1e6), ("s", 1e9), ("m", 60e9), ("h", 3600e9),
    ]

    static func parse(_ text: String) -> Duration? {
        var rest = Substring(text)
        let isNegative = rest.hasPrefix("-")
        if isNegative || rest.hasPrefix("+") { rest.removeFirst() }
        if rest == "0" { return .zero }
        guard !rest.isEmpty else { return nil }
        var total = 0.0
        while !rest.isEmpty {
            let digits = rest.prefix { $0.isASCII && ($0.isNumber || $0 == ".") }
            rest = rest.dropFirst(digits.count)
            let unit = rest.prefix { !($0.isNumber || $0 == ".") }
            rest = rest.dropFirst(unit.count)
            guard digits != ".", let number = Double(digits), let scale = units.first(where: { $0.name == unit })?.nanoseconds else { return nil }
            total += number * scale
        }
        guard total < 9.2e18 else { return nil }
        return .nanoseconds(Int64(isNegative ? -total : total))
    }
}

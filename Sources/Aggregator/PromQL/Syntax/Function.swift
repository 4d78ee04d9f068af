import Glibc

/// A function's name, types and, where it is simple, its meaning.
public struct Function: Sendable {
    /// How the evaluator runs it.
    enum Body: Sendable {
        /// Each value by itself; histograms do not occur.
        case map(@Sendable (Double) -> Double)
        /// A part of the date of each value, which is a time in Unix seconds.
        case date(DatePart)
        case window(WindowFunction)
        case labels
        case special
    }

    public let name: String
    public let parameters: [ValueType]
    /// How many of the last parameters may be left out.
    public let optionalCount: Int
    /// Whether the last parameter may be repeated.
    public let isVariadic: Bool
    public let result: ValueType
    let body: Body

    init(
        _ name: String, _ parameters: [ValueType], optional: Int = 0, isVariadic: Bool = false, returns result: ValueType = .vector,
        _ body: Body = .special
    ) {
        self.name = name
        self.parameters = parameters
        optionalCount = optional
        self.isVariadic = isVariadic
        self.result = result
        self.body = body
    }

    public static func named(_ name: String) -> Function? { table[name] }

    /// All functions by name.
    public static let table: [String: Function] = Dictionary(uniqueKeysWithValues: all.map { ($0.name, $0) })

    private static let all: [Function] = mathematics + dates + windows + labelled + others

    private static let mathematics: [Function] = {
        let maps: [(String, @Sendable (Double) -> Double)] = [
            ("abs", { $0.magnitude }), ("ceil", { $0.rounded(.up) }), ("floor", { $0.rounded(.down) }), ("exp", { exp($0) }), ("ln", { log($0) }),
            ("log2", { log2($0) }), ("log10", { log10($0) }), ("sqrt", { $0.squareRoot() }), ("sgn", { $0 > 0 ? 1 : $0 < 0 ? -1 : $0 }),
            ("acos", { acos($0) }), ("acosh", { acosh($0) }), ("asin", { asin($0) }), ("asinh", { asinh($0) }), ("atan", { atan($0) }),
            ("atanh", { atanh($0) }), ("cos", { cos($0) }), ("cosh", { cosh($0) }), ("sin", { sin($0) }), ("sinh", { sinh($0) }),
            ("tan", { tan($0) }), ("tanh", { tanh($0) }), ("deg", { $0 * 180 / .pi }), ("rad", { $0 * .pi / 180 }),
        ]
        return maps.map { Function($0.0, [.vector], .map($0.1)) }
    }()

    private static let dates: [Function] = DatePart.allCases.map { Function($0.rawValue, [.vector], optional: 1, .date($0)) }

    private static let windows: [Function] = WindowFunction.allCases.map { Function($0.rawValue, $0.parameters, .window($0)) }

    private static let labelled: [Function] = [
        Function("label_replace", [.vector, .string, .string, .string, .string], .labels),
        Function("label_join", [.vector, .string, .string, .string], optional: 1, isVariadic: true, .labels),
        Function("sort_by_label", [.vector, .string], optional: 1, isVariadic: true, .labels),
        Function("sort_by_label_desc", [.vector, .string], optional: 1, isVariadic: true, .labels),
        Function("sort", [.vector]), Function("sort_desc", [.vector]),
    ]

    private static let others: [Function] = [
        Function("absent", [.vector]), Function("absent_over_time", [.matrix]), Function("clamp", [.vector, .scalar, .scalar]),
        Function("clamp_min", [.vector, .scalar]), Function("clamp_max", [.vector, .scalar]), Function("round", [.vector, .scalar], optional: 1),
        Function("scalar", [.vector], returns: .scalar), Function("vector", [.scalar]), Function("time", [], returns: .scalar),
        Function("pi", [], returns: .scalar), Function("timestamp", [.vector]), Function("histogram_quantile", [.scalar, .vector]),
        Function("histogram_quantiles", [.vector, .string, .scalar], isVariadic: true), Function("start_timestamp", [.vector]),
        Function("histogram_fraction", [.scalar, .scalar, .vector]), Function("histogram_avg", [.vector]), Function("histogram_count", [.vector]),
        Function("histogram_sum", [.vector]), Function("histogram_stddev", [.vector]), Function("histogram_stdvar", [.vector]),
        Function("info", [.vector, .vector], optional: 1), Function("start", [], returns: .scalar), Function("end", [], returns: .scalar),
        Function("step", [], returns: .scalar), Function("range", [], returns: .scalar),
        Function("min_of", [.scalar, .scalar], returns: .scalar), Function("max_of", [.scalar, .scalar], returns: .scalar),
    ]
}

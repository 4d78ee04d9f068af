import Exposition

/// Labels that a metric has beside those of its container, and that are the same for all containers.
public final class FixedLabels: Sendable, Hashable {
    public let pairs: [(name: String, value: String)]
    public let rendered: RenderedLabels

    public init(_ pairs: [(name: String, value: String)]) {
        self.pairs = pairs
        rendered = RenderedLabels(pairs)
    }

    public static func == (left: FixedLabels, right: FixedLabels) -> Bool { left === right }
    public func hash(into hasher: inout Hasher) { hasher.combine(ObjectIdentifier(self)) }
}

/// The labels of one sample beside those of its container, in the cheapest form that says them.
public enum ExtraLabels: Sendable, Hashable {
    case none
    case fixed(FixedLabels)
    case one(String, String)
    case many([Pair])

    public struct Pair: Sendable, Hashable {
        public var name: String
        public var value: String
        init(_ name: String, _ value: String) {
            self.name = name
            self.value = value
        }
    }

    public var pairs: [(name: String, value: String)] {
        switch self {
        case .none: []
        case .fixed(let labels): labels.pairs
        case .one(let name, let value): [(name, value)]
        case .many(let pairs): pairs.map { ($0.name, $0.value) }
        }
    }

    /// `cpu="total"` and `cpu="cpu00"` on, as cAdvisor writes them.
    static let allCPUs = ExtraLabels.fixed(FixedLabels([("cpu", "total")]))
    private static let cpus = (0..<1024).map { ExtraLabels.fixed(FixedLabels([("cpu", $0 < 10 ? "cpu0\($0)" : "cpu\($0)")])) }
    static func cpu(_ number: Int) -> ExtraLabels { number < cpus.count ? cpus[number] : .one("cpu", "cpu\(number)") }

    static func fixed(_ pairs: (name: String, value: String)...) -> ExtraLabels { .fixed(FixedLabels(pairs)) }
}

/// Rendered forms of one page's extra labels. A value of one page: nothing to be bounded or forgotten.
public struct ExtraLabelCache {
    private var rendered: [ExtraLabels: RenderedLabels] = [:]
    public init() {}

    public mutating func rendered(_ labels: ExtraLabels) -> RenderedLabels {
        switch labels {
        case .none: return .none
        case .fixed(let labels): return labels.rendered
        case .one, .many:
            if let known = rendered[labels] { return known }
            let new = RenderedLabels(labels.pairs)
            rendered[labels] = new
            return new
        }
    }
}

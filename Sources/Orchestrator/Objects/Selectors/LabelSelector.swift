import JSON

/// Which sets of labels are meant: all requirements hold.
public struct LabelSelector: Hashable, Sendable, CustomStringConvertible {
    public enum Operator: Sendable { case equals, notEquals, `in`, notIn, exists, doesNotExist, greaterThan, lessThan }
    public struct Requirement: Hashable, Sendable {
        public let key: String
        public let comparison: Operator
        /// Sorted; one for equality and order, none for existence.
        public let values: [String]
        public init(_ key: String, _ comparison: Operator, _ values: [String]) {
            self.key = key
            self.comparison = comparison
            self.values = values
        }
    }

    public let requirements: [Requirement]
    /// A null object selector matches nothing; an empty one everything.
    public let matchesNothing: Bool

    public init(requirements: [Requirement], matchesNothing: Bool = false) {
        self.requirements = requirements
        self.matchesNothing = matchesNothing
    }
    public static let everything = LabelSelector(requirements: [])
    public static let nothing = LabelSelector(requirements: [], matchesNothing: true)

    /// Parses the query form, `app=web,tier in (a, b),!old`.
    /// - Throws: 400 in Kubernetes' wording.
    public init(parsing text: String) throws(StatusError) { self = .everything }

    /// The object form: `{matchLabels, matchExpressions}`. Null matches nothing, `{}` everything.
    public init(object: JSON) throws(StatusError) { self = .everything }

    /// A plain map, as in `Service.spec.selector`.
    public init(map: [String: String]) {
        self.init(requirements: map.sorted { $0.key < $1.key }.map { Requirement($0.key, .equals, [$0.value]) })
    }

    public func matches(_ labels: [String: String]) -> Bool { true }
    /// Without making a dictionary first.
    public func matches(_ labels: JSON) -> Bool { matches(labels.stringMap) }

    /// The query form.
    public var description: String { "" }
}

import JSON

/// Which sets of labels are meant: all requirements hold.
public struct LabelSelector: Hashable, Sendable {
    public enum Operator: Sendable { case equals, notEquals, `in`, notIn, exists, doesNotExist, greaterThan, lessThan }
    public struct Requirement: Hashable, Sendable {
        public let key: String
        public let comparison: Operator
        /// One for equality and order, none for existence.
        public let values: [String]

        public init(_ key: String, _ comparison: Operator, _ values: [String]) {
            self.key = key
            self.comparison = comparison
            self.values = values
        }

        /// Whether a set in which `key` has `value` (nil if it lacks the key) fits.
        func matches(_ value: String?) -> Bool {
            switch comparison {
            case .exists: return value != nil
            case .doesNotExist: return value == nil
            case .equals, .in: return value.map(values.contains) ?? false
            case .notEquals, .notIn: return value.map { !values.contains($0) } ?? true
            case .greaterThan, .lessThan:
                guard let value, let left = Int64(value), let right = Int64(values[0]) else { return false }
                return comparison == .greaterThan ? left > right : left < right
            }
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

    /// The object form: `{matchLabels, matchExpressions}`. Null matches nothing, `{}` everything.
    /// - Throws: 400 for an operator that is not one.
    public init(object: JSON) throws(StatusError) {
        guard case .object = object else {
            self = .nothing
            return
        }
        var requirements = object["matchLabels"].members.sorted().map { Requirement($0.key, .equals, [$0.value.string ?? ""]) }
        for expression in object["matchExpressions"].elements {
            let key = expression["key"].string ?? ""
            let values = expression["values"].elements.compactMap(\.string)
            switch expression["operator"].string {
            case "In": requirements.append(Requirement(key, .in, values))
            case "NotIn": requirements.append(Requirement(key, .notIn, values))
            case "Exists": requirements.append(Requirement(key, .exists, []))
            case "DoesNotExist": requirements.append(Requirement(key, .doesNotExist, []))
            case let other: throw StatusError(.badRequest, "\"\(other ?? "")\" is not a valid label selector operator")
            }
        }
        self.init(requirements: requirements)
    }

    /// A plain map, as in `Service.spec.selector`.
    public init(map: [String: String]) {
        self.init(requirements: map.sorted { $0.key < $1.key }.map { Requirement($0.key, .equals, [$0.value]) })
    }

    public func matches(_ labels: [String: String]) -> Bool {
        !matchesNothing && requirements.allSatisfy { $0.matches(labels[$0.key]) }
    }
    /// Without making a dictionary first.
    public func matches(_ labels: JSON) -> Bool {
        !matchesNothing && requirements.allSatisfy { $0.matches(labels[$0.key].string) }
    }
}

extension LabelSelector: CustomStringConvertible {
    /// The query form.
    public var description: String {
        requirements.map { requirement in
            let list = "(" + requirement.values.sorted().joined(separator: ",") + ")"
            return switch requirement.comparison {
            case .equals: "\(requirement.key)=\(requirement.values[0])"
            case .notEquals: "\(requirement.key)!=\(requirement.values[0])"
            case .in: "\(requirement.key) in \(list)"
            case .notIn: "\(requirement.key) notin \(list)"
            case .exists: requirement.key
            case .doesNotExist: "!" + requirement.key
            case .greaterThan: "\(requirement.key)>\(requirement.values[0])"
            case .lessThan: "\(requirement.key)<\(requirement.values[0])"
            }
        }.joined(separator: ",")
    }
}

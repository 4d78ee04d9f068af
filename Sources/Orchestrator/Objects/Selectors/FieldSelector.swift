import JSON

/// Which field values are meant: `spec.nodeName=a,status.phase!=Running`.
public struct FieldSelector: Hashable, Sendable, CustomStringConvertible {
    public struct Requirement: Hashable, Sendable {
        public let field: String
        public let value: String
        public let isEqual: Bool
    }
    public let requirements: [Requirement]

    public static let everything = FieldSelector(requirements: [])
    init(requirements: [Requirement]) { self.requirements = requirements }

    /// - Throws: 400 for bad syntax, and for a field that `kind` does not offer (`field label not supported: x`).
    public init(parsing text: String, for kind: Kind) throws(StatusError) { self = .everything }

    /// `fields` as from `Kind.selectableFields`.
    public func matches(_ fields: [String: String]) -> Bool {
        requirements.allSatisfy { (fields[$0.field] ?? "" == $0.value) == $0.isEqual }
    }
    /// The value that `field` must have, if the selector asks for one. Lets a store go to one name at once.
    public func requiredValue(_ field: String) -> String? { requirements.first { $0.field == field && $0.isEqual }?.value }
    public var description: String { requirements.map { "\($0.field)\($0.isEqual ? "=" : "!=")\($0.value)" }.joined(separator: ",") }
}

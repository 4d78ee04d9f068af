import JSON

/// Which field values are meant: `spec.nodeName=a,status.phase!=Running`.
public struct FieldSelector: Hashable, Sendable {
    public struct Requirement: Hashable, Sendable {
        public let field: String
        public let value: String
        public let isEqual: Bool
    }
    public let requirements: [Requirement]

    public static let everything = FieldSelector(requirements: [])
    init(requirements: [Requirement]) { self.requirements = requirements }

    /// - Throws: 400 for bad syntax, and for a field that `kind` does not offer (`field label not supported: x`).
    public init(parsing text: String, for kind: Kind) throws(StatusError) {
        var requirements: [Requirement] = []
        for term in Self.terms(text) where !term.isEmpty {
            guard let requirement = Self.requirement(term) else {
                throw StatusError(.badRequest, "invalid selector: '\(text)'; can't understand '\(String(decoding: term, as: UTF8.self))'")
            }
            let field = requirement.field
            guard field == "metadata.name" || (field == "metadata.namespace" && kind.isNamespaced) || kind.fieldLabels.contains(field) else {
                throw StatusError(.badRequest, "field label not supported: \(field)")
            }
            requirements.append(requirement)
        }
        self.init(requirements: requirements)
    }

    /// The parts between commas; a backslash takes the meaning from a comma.
    private static func terms(_ text: String) -> [[UInt8]] {
        var terms: [[UInt8]] = [[]]
        var isEscaped = false
        for byte in text.utf8 {
            if byte == UInt8(ascii: ","), !isEscaped {
                terms.append([])
                continue
            }
            terms[terms.count - 1].append(byte)
            isEscaped = byte == UInt8(ascii: "\\") && !isEscaped
        }
        return terms
    }

    private static func requirement(_ term: [UInt8]) -> Requirement? {
        guard let sign = term.firstIndex(of: UInt8(ascii: "=")), sign > 0 else { return nil }
        let isEqual = term[sign - 1] != UInt8(ascii: "!")
        let field = term[..<(isEqual ? sign : sign - 1)]
        var rest = term[(sign + 1)...]
        if isEqual, rest.first == UInt8(ascii: "=") { rest = rest.dropFirst() }
        var value: [UInt8] = []
        var isEscaped = false
        for byte in rest {
            if byte == UInt8(ascii: "\\"), !isEscaped {
                isEscaped = true
                continue
            }
            guard isEscaped || byte != UInt8(ascii: "=") else { return nil }
            value.append(byte)
            isEscaped = false
        }
        guard !field.isEmpty, !isEscaped else { return nil }
        let name = String(decoding: field.drop { $0 == 0x20 }, as: UTF8.self)
        return Requirement(field: name, value: String(decoding: value, as: UTF8.self), isEqual: isEqual)
    }

    /// `fields` as from `Kind.selectableFields`.
    public func matches(_ fields: [String: String]) -> Bool {
        requirements.allSatisfy { (fields[$0.field] ?? "" == $0.value) == $0.isEqual }
    }

    /// The value that `field` must have, if the selector asks for one. Lets a store go to one name at once.
    public func requiredValue(_ field: String) -> String? { requirements.first { $0.field == field && $0.isEqual }?.value }
}

extension FieldSelector: CustomStringConvertible {
    public var description: String { requirements.map { "\($0.field)\($0.isEqual ? "=" : "!=")\($0.value)" }.joined(separator: ",") }
}

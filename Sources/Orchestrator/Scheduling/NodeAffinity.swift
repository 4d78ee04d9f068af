import JSON
import Objects

/// Which nodes a pod must have and which it would rather have.
struct NodeAffinity: Sendable {
    /// Nil if any node will do; else one of the terms must fit.
    let required: [Term]?
    let preferred: [(weight: Int, term: Term)]

    /// All of its requirements must hold.
    struct Term: Sendable {
        let labels: [LabelSelector.Requirement]
        /// On `metadata.name`, the only field there is.
        let fields: [LabelSelector.Requirement]

        init(_ term: JSON) {
            labels = term["matchExpressions"].elements.compactMap(Self.requirement)
            fields = term["matchFields"].elements.compactMap(Self.requirement)
        }

        private static func requirement(_ expression: JSON) -> LabelSelector.Requirement? {
            let comparison: LabelSelector.Operator
            switch expression["operator"].string {
            case "In": comparison = .in
            case "NotIn": comparison = .notIn
            case "Exists": comparison = .exists
            case "DoesNotExist": comparison = .doesNotExist
            case "Gt": comparison = .greaterThan
            case "Lt": comparison = .lessThan
            default: return nil
            }
            let values = expression["values"].elements.compactMap(\.string)
            // Validation has refused an order without its number; here such a term must not crash.
            if comparison == .greaterThan || comparison == .lessThan, values.isEmpty { return nil }
            return LabelSelector.Requirement(expression["key"].string ?? "", comparison, values)
        }

        /// A term without requirements fits no node.
        func fits(name: String, labels nodeLabels: [String: String]) -> Bool {
            guard !labels.isEmpty || !fields.isEmpty else { return false }
            return LabelSelector(requirements: labels).matches(nodeLabels)
                && LabelSelector(requirements: fields).matches(["metadata.name": name])
        }
    }

    init(_ affinity: JSON) {
        let selector = affinity["requiredDuringSchedulingIgnoredDuringExecution"]
        required = selector.isNull ? nil : selector["nodeSelectorTerms"].elements.map(Term.init)
        preferred = affinity["preferredDuringSchedulingIgnoredDuringExecution"].elements.map {
            ($0["weight"].int ?? 1, Term($0["preference"]))
        }
    }

    func allows(name: String, labels: [String: String]) -> Bool {
        required?.contains { $0.fits(name: name, labels: labels) } ?? true
    }

    /// The sum of the weights of all wishes that the node fulfils.
    func wishes(name: String, labels: [String: String]) -> Int {
        preferred.reduce(0) { $0 + ($1.term.fits(name: name, labels: labels) ? $1.weight : 0) }
    }
}

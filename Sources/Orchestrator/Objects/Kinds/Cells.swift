import JSON

/// Texts that several kinds' tables share.
enum Cells {
    static let none: JSON = "<none>"
    static let unknown: JSON = "<unknown>"

    static func text(_ value: JSON, or missing: JSON = none) -> JSON {
        guard let text = value.string, !text.isEmpty else { return missing }
        return .string(text)
    }

    static func count(_ value: JSON) -> JSON { JSON(value.int ?? 0) }

    /// `a,b,c`.
    static func list(_ items: [String], or missing: JSON = none) -> JSON {
        items.isEmpty ? missing : .string(items.joined(separator: ","))
    }

    static func containerNames(_ template: JSON) -> JSON {
        .string(template["spec"]["containers"].elements.map { $0["name"].string ?? "" }.joined(separator: ","))
    }
    static func images(_ template: JSON) -> JSON {
        .string(template["spec"]["containers"].elements.map { $0["image"].string ?? "" }.joined(separator: ","))
    }

    /// A label selector, or a plain map of labels, in the query form.
    static func selector(_ selector: JSON) -> JSON {
        guard case .object(let members) = selector else { return none }
        let isObject = members.contains("matchLabels") || members.contains("matchExpressions")
        let parsed = isObject ? try? LabelSelector(object: selector) : LabelSelector(map: selector.stringMap)
        guard let text = parsed?.description, !text.isEmpty else { return none }
        return .string(text)
    }

    static let workloadColumns: [Column] = [
        Column("Containers", priority: 1, "The names of the template's containers."),
        Column("Images", priority: 1, "The images of the template's containers."),
        Column("Selector", priority: 1, "Which pods are its own."),
    ]
    static func workload(_ object: JSON) -> [JSON] {
        let template = object["spec"]["template"]
        return [containerNames(template), images(template), selector(object["spec"]["selector"])]
    }
}

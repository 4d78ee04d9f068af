/// Where in an object we are. It becomes text only when there is something to say.
struct FieldPath {
    enum Step { case name(String), index(Int), key(String) }

    private var steps: [Step] = []

    mutating func push(_ step: Step) { steps.append(step) }
    mutating func pop() { steps.removeLast() }
    mutating func pop(_ count: Int) { steps.removeLast(count) }
    var depth: Int { steps.count }

    /// `spec.containers[0].resources.limits[cpu]`.
    var text: String {
        var text = ""
        for step in steps {
            switch step {
            case .name(let name):
                if !text.isEmpty { text += "." }
                text += name
            case .index(let index): text += "[\(index)]"
            case .key(let key): text += "[\(key)]"
            }
        }
        return text
    }

    func text(appending name: String) -> String { steps.isEmpty ? name : text + "." + name }

    /// The names alone, as Go's decoder gives them: `spec.containers.resources`.
    var names: String {
        var names: [String] = []
        for case .name(let name) in steps { names.append(name) }
        return names.joined(separator: ".")
    }
}

extension FieldPath.Step: ExpressibleByStringLiteral, ExpressibleByIntegerLiteral {
    init(stringLiteral value: String) { self = .name(value) }
    init(integerLiteral value: Int) { self = .index(value) }
}

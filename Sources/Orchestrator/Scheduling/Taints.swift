import JSON

/// Keeps away pods that do not tolerate it.
struct Taint: Hashable, Sendable {
    enum Effect: String, Sendable {
        case noSchedule = "NoSchedule"
        case preferNoSchedule = "PreferNoSchedule"
        case noExecute = "NoExecute"
    }
    let key: String
    let value: String
    let effect: Effect

    init(key: String, value: String = "", effect: Effect) {
        self.key = key
        self.value = value
        self.effect = effect
    }

    init?(_ taint: JSON) {
        guard let effect = taint["effect"].string.flatMap(Effect.init) else { return nil }
        self.init(key: taint["key"].string ?? "", value: taint["value"].string ?? "", effect: effect)
    }

    /// What a node that is cordoned would be tainted with.
    static let unschedulable = Taint(key: "node.kubernetes.io/unschedulable", effect: .noSchedule)
}

/// A taint, or many, that a pod accepts.
struct Toleration: Hashable, Sendable {
    /// Empty for any.
    let key: String
    let value: String
    let ignoresValue: Bool
    /// Nil for any.
    let effect: Taint.Effect?

    init(_ toleration: JSON) {
        key = toleration["key"].string ?? ""
        value = toleration["value"].string ?? ""
        ignoresValue = toleration["operator"].string == "Exists"
        effect = toleration["effect"].string.flatMap(Taint.Effect.init)
    }

    func tolerates(_ taint: Taint) -> Bool {
        guard effect == nil || effect == taint.effect else { return false }
        guard !key.isEmpty else { return ignoresValue }
        return key == taint.key && (ignoresValue || value == taint.value)
    }
}

extension [Toleration] {
    func tolerate(_ taint: Taint) -> Bool { contains { $0.tolerates(taint) } }
}

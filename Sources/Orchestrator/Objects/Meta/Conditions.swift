import JSON

/// `status.conditions`: a list with one entry for each type.
extension JSON {
    /// The condition `type` of this object's status.
    public func condition(_ type: String) -> JSON? { self["status"]["conditions"].elements.first { $0["type"].string == type } }

    /// Whether the status of condition `type` is `True`.
    public func isConditionTrue(_ type: String) -> Bool { condition(type)?["status"].string == "True" }

    /// Sets condition `type`. `lastTransitionTime` moves only if the status changes.
    ///
    /// - Parameters:
    ///   - now: seconds since 1970.
    ///   - extra: more members (`lastUpdateTime`, `lastHeartbeatTime`, `lastProbeTime`), written as given.
    /// - Returns: whether anything but `extra` changed.
    @discardableResult
    public mutating func setCondition(
        _ type: String, status: String, reason: String? = nil, message: String? = nil, now: Int64, extra: JSON = .null
    ) -> Bool {
        var conditions = self["status"]["conditions"].elements
        let position = conditions.firstIndex { $0["type"].string == type }
        let old = position.map { conditions[$0] }
        var condition: JSON = ["type": .string(type), "status": .string(status)]
        for (key, value) in extra.members { condition[key] = value }
        let sameStatus = old?["status"].string == status
        let time = sameStatus ? old?["lastTransitionTime"] : nil
        condition["lastTransitionTime"] = time.flatMap { $0.isNull ? nil : $0 } ?? .string(RFC3339.format(now))
        if let reason, !reason.isEmpty { condition["reason"] = .string(reason) }
        if let message, !message.isEmpty { condition["message"] = .string(message) }
        let changed =
            !sameStatus || (old?["reason"].string ?? "") != (reason ?? "") || (old?["message"].string ?? "") != (message ?? "")
        if let position { conditions[position] = condition } else { conditions.append(condition) }
        self["status"]["conditions"] = .array(conditions)
        return changed
    }

    /// Takes condition `type` away; returns whether it was there.
    @discardableResult
    public mutating func removeCondition(_ type: String) -> Bool {
        let conditions = self["status"]["conditions"].elements
        let rest = conditions.filter { $0["type"].string != type }
        guard rest.count < conditions.count else { return false }
        self["status"]["conditions"] = .array(rest)
        return true
    }
}

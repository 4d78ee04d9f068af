import JSON

/// Defaults of controllers that depend on more than one field.
enum WorkloadDefaults {
    /// The strategy's own settings appear when it is a rolling update; their values are the schema's.
    static func rollingUpdate(_ strategy: inout JSONObject) -> Bool {
        guard strategy["type"]?.string ?? "RollingUpdate" == "RollingUpdate", strategy["rollingUpdate"] == nil else { return false }
        strategy["rollingUpdate"] = [:]
        return true
    }

    static func job(_ spec: inout JSONObject) -> Bool {
        guard spec["parallelism"] == nil else { return false }
        if spec["completions"] == nil { spec["completions"] = 1 }
        spec["parallelism"] = 1
        return true
    }
}

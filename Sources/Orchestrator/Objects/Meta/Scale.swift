import JSON

/// The `scale` subresource of everything that has replicas, as `autoscaling/v1 Scale`.
public enum Scale {
    /// How `object` is scaled now.
    public static func of(_ object: JSON) -> JSON {
        var metadata: JSON = ["name": .string(object.metadataName), "namespace": .string(object.namespace)]
        for field in ["uid", "resourceVersion", "creationTimestamp"] where !object["metadata"][field].isNull {
            metadata[field] = object["metadata"][field]
        }
        let spec = object["spec"]["replicas"].int ?? 1
        var status: JSON = ["replicas": JSON(object["status"]["replicas"].int ?? 0)]
        let selector = object["spec"]["selector"]
        // A ReplicationController's selector is a plain map.
        let isMap = selector["matchLabels"].isNull && selector["matchExpressions"].isNull
        let parsed = isMap ? LabelSelector(map: selector.stringMap) : try? LabelSelector(object: selector)
        if let text = parsed?.description, !text.isEmpty { status["selector"] = .string(text) }
        return ["kind": "Scale", "apiVersion": "autoscaling/v1", "metadata": metadata, "spec": spec == 0 ? [:] : ["replicas": JSON(spec)], "status": status]
    }

    /// `object` with the replicas that `scale` asks for, and its resourceVersion as a condition if it has one.
    public static func apply(_ scale: JSON, to object: JSON) -> JSON {
        var result = object
        result["spec"]["replicas"] = JSON(scale["spec"]["replicas"].int ?? 0)
        if let version = scale["metadata"]["resourceVersion"].string, !version.isEmpty {
            result["metadata"]["resourceVersion"] = .string(version)
        }
        return result
    }
}

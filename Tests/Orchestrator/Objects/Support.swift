import JSON
import Objects
import Testing

/// The standard kind `name` of `apiVersion`.
func kind(_ name: String, _ apiVersion: String = "v1") throws -> Kind {
    try #require(KindRegistry.standard.kind(apiVersion: apiVersion, kind: name))
}

func json(_ text: String) throws -> JSON { try JSON.parse(text) }

/// A small pod as a user writes it.
let webPod: JSON = [
    "apiVersion": "v1", "kind": "Pod", "metadata": ["name": "web", "namespace": "default", "labels": ["app": "web"]],
    "spec": ["containers": [["name": "c", "image": "nginx:1.27", "ports": [["containerPort": 80]]]]],
]

let webDeployment: JSON = [
    "apiVersion": "apps/v1", "kind": "Deployment", "metadata": ["name": "web", "namespace": "default"],
    "spec": [
        "selector": ["matchLabels": ["app": "web"]],
        "template": ["metadata": ["labels": ["app": "web"]], "spec": ["containers": [["name": "c", "image": "nginx"]]]],
    ],
]

extension Kind {
    /// What creating `object` stores.
    func created(_ object: JSON, now: Int64 = 1_764_000_000) throws -> JSON {
        let decoded = try decode(object).object
        let namespace = decoded.namespace.isEmpty && isNamespaced ? "default" : decoded.namespace
        return defaulted(prepareForCreate(decoded, namespace: isNamespaced ? namespace : nil, uid: "u-1", now: now, nameSuffix: "x2b4c"))
    }

    /// The errors of creating `object`, as text.
    func problems(_ object: JSON) throws -> [String] { validate(try created(object)).map(\.description) }

    /// The errors of replacing what `old` created by `object`.
    func problems(_ object: JSON, replacing old: JSON) throws -> [String] {
        let stored = try created(old)
        let new = prepareForUpdate(try decode(object).object, replacing: stored)
        return validate(new, replacing: stored).map(\.description)
    }
}

extension JSON {
    /// A copy with the value at `path` (`spec.containers.0.image`) set; nil takes it away.
    func setting(_ path: String, _ value: JSON?) -> JSON { setting(path.split(separator: ".").map(String.init)[...], value) }

    private func setting(_ steps: ArraySlice<String>, _ value: JSON?) -> JSON {
        guard let step = steps.first else { return value ?? .null }
        var copy = self
        if let index = Int(step) {
            copy[index] = self[index].setting(steps.dropFirst(), value)
        } else if steps.count == 1, value == nil {
            copy.remove(step)
        } else {
            copy[step] = self[step].setting(steps.dropFirst(), value)
        }
        return copy
    }
}

import JSON
import Objects
import Testing

@Suite struct DecodeTests {
    @Test func `a clean object comes back as it is`() throws {
        let (object, unknown) = try kind("Pod").decode(webPod)
        #expect(object == webPod)
        #expect(unknown.isEmpty)
    }

    @Test(arguments: [
        ("Deployment", "apps/v1", "spec.replicas", #""three""#, "string into Go struct field DeploymentSpec.spec.replicas of type int32"),
        ("Deployment", "apps/v1", "spec.replicas", "99999999999", "number 99999999999 into Go struct field DeploymentSpec.spec.replicas of type int32"),
        ("Deployment", "apps/v1", "spec.replicas", "1.5", "number 1.5 into Go struct field DeploymentSpec.spec.replicas of type int32"),
        ("Pod", "v1", "spec", "[]", "array into Go struct field Pod.spec of type v1.PodSpec"),
        ("Pod", "v1", "spec.containers", "{}", "object into Go struct field PodSpec.spec.containers of type []v1.Container"),
        (
            "Pod", "v1", "spec.containers.0.ports.0.containerPort", #""http""#,
            "string into Go struct field ContainerPort.spec.containers.ports.containerPort of type int32"
        ),
        ("Pod", "v1", "metadata.labels", #"{"a":1}"#, "number into Go struct field ObjectMeta.metadata.labels of type string"),
        ("Pod", "v1", "spec.hostNetwork", #""yes""#, "string into Go struct field PodSpec.spec.hostNetwork of type bool"),
    ])
    func `wrong types are refused in Go's words`(name: String, version: String, path: String, value: String, problem: String) throws {
        let kind = try kind(name, version)
        let object = (name == "Pod" ? webPod : webDeployment).setting(path, try json(value))
        let error = try #require(throws: StatusError.self) { try kind.decode(object) }
        #expect(error.code == 400)
        #expect(error.message == "\(name) in version \"v1\" cannot be handled as a \(name): json: cannot unmarshal \(problem)")
    }

    @Test func `quantities, times and base64 are checked`() throws {
        let pod = try kind("Pod")
        let bad = webPod.setting("spec.containers.0.resources", ["limits": ["cpu": "1 core"]])
        let error = try #require(throws: StatusError.self) { try pod.decode(bad) }
        #expect(error.message.hasSuffix("quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'"))
        let late = try #require(throws: StatusError.self) { try pod.decode(webPod.setting("metadata.creationTimestamp", "yesterday")) }
        #expect(late.message.contains(#"parsing time "yesterday" as"#))
        let secret = try #require(throws: StatusError.self) {
            try kind("Secret").decode(["metadata": ["name": "s"], "data": ["a": "not base64"]])
        }
        #expect(secret.message.hasSuffix("illegal base64 data at input byte 3"))
    }

    @Test func `unknown fields are dropped and named`() throws {
        let object = webPod.setting("spec.containerz", []).setting("spec.containers.0.imagee", "x").setting("metadata.foo", 1)
        let (decoded, unknown) = try kind("Pod").decode(object)
        #expect(decoded == webPod)
        #expect(unknown == ["metadata.foo", "spec.containers[0].imagee", "spec.containerz"])
        let error = try #require(try kind("Pod").strictError(unknown: ["spec.x"], duplicate: ["spec.y"]))
        #expect(error.code == 400)
        #expect(error.message.hasSuffix(#"strict decoding error: duplicate field "spec.y", unknown field "spec.x""#))
        #expect(try kind("Pod").strictError(unknown: [], duplicate: []) == nil)
    }

    @Test func `what Go would omit is dropped`() throws {
        let object = webPod.setting("metadata.creationTimestamp", nil as JSON?).setting("metadata.annotations", [:]).setting("spec.hostNetwork", false)
            .setting("spec.nodeName", "").setting("spec.volumes", []).setting("spec.tolerations", .null).setting("spec.securityContext", [:])
        let decoded = try kind("Pod").decode(object).object
        #expect(decoded == webPod.setting("spec.securityContext", [:]))
        // A pointer's zero stays.
        #expect(try kind("Deployment", "apps/v1").decode(webDeployment.setting("spec.replicas", 0)).object["spec"]["replicas"] == 0)
    }

    @Test func `numbers as quantities and odd times become canonical`() throws {
        let object = webPod.setting("spec.containers.0.resources", ["limits": ["cpu": 2, "memory": "1024Mi"], "requests": ["cpu": 0.5]])
            .setting("metadata.creationTimestamp", "2026-11-24T10:48:41.5+02:00")
        let decoded = try kind("Pod").decode(object).object
        #expect(decoded["spec"]["containers"][0]["resources"] == ["limits": ["cpu": "2", "memory": "1Gi"], "requests": ["cpu": "500m"]])
        #expect(decoded["metadata"]["creationTimestamp"] == "2026-11-24T08:48:41Z")
    }

    @Test func `another kind is refused`() throws {
        let error = try #require(throws: StatusError.self) { try kind("Pod").decode(["apiVersion": "v1", "kind": "Service"]) }
        #expect(error.code == 400)
        #expect(throws: StatusError.self) { try kind("Pod").decode([1]) }
        #expect(try kind("Pod").decode(["spec": [:]]).object["kind"] == "Pod")
    }

    @Test func `every type of the schema resolves and has distinct numbers`() {
        let schemas = SchemaLibrary.standard.schemas
        #expect(schemas.count > 150)
        for (name, schema) in schemas {
            let numbers = schema.fields.map(\.protobufPath).filter { $0 != [0] }
            #expect(Set(numbers).count == numbers.count, "\(name) has a field number twice")
        }
    }
}

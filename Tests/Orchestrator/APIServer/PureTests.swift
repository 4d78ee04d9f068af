import HTTP
import JSON
import Objects
import Testing

@testable import APIServer

struct RequestInfoTests {
    @Test(arguments: [
        ("GET", "/api/v1/pods", "list  v1 nil pods nil nil"),
        ("GET", "/api/v1/namespaces/a/pods", "list  v1 a pods nil nil"),
        ("POST", "/api/v1/namespaces/a/pods", "create  v1 a pods nil nil"),
        ("GET", "/api/v1/namespaces/a/pods/p", "get  v1 a pods p nil"),
        ("GET", "/api/v1/namespaces/a/pods/p/log", "get  v1 a pods p log"),
        ("GET", "/api/v1/namespaces", "list  v1 nil namespaces nil nil"),
        ("DELETE", "/api/v1/namespaces/a", "delete  v1 nil namespaces a nil"),
        ("PUT", "/api/v1/namespaces/a/finalize", "update  v1 nil namespaces a finalize"),
        ("PUT", "/api/v1/namespaces/a/status", "update  v1 nil namespaces a status"),
        ("PATCH", "/apis/apps/v1/namespaces/a/deployments/d/scale", "patch apps v1 a deployments d scale"),
        ("DELETE", "/apis/apps/v1/namespaces/a/deployments", "deletecollection apps v1 a deployments nil nil"),
        ("GET", "/api/v1/watch/namespaces/a/pods", "watch  v1 a pods nil nil"),
        ("GET", "/api/v1/nodes/n", "get  v1 nil nodes n nil"),
        ("GET", "/apis/apps/v1/", "groupVersion apps/v1"),
        ("GET", "/apis/apps", "group apps"),
        ("GET", "/api", "coreVersions"),
        ("GET", "/metrics", "other metrics"),
    ])
    func `a path and a method name a verb on an object`(_ method: String, _ path: String, _ expected: String) {
        let text =
            switch RequestInfo.target(of: HTTPRequest(method: method, path: path)) {
            case .object(let info):
                "\(info.verb.rawValue) \(info.group) \(info.version) \(info.namespace ?? "nil") \(info.resource) \(info.name ?? "nil") \(info.subresource ?? "nil")"
            case .coreVersions: "coreVersions"
            case .groups: "groups"
            case .group(let name): "group \(name)"
            case .groupVersion(let name): "groupVersion \(name)"
            case .other(let parts): "other " + parts.joined(separator: "/")
            }
        #expect(text == expected)
    }

    @Test(arguments: [
        (nil, Representation.object), ("*/*", .object), ("application/json", .object), (Fixture.tableAccept, .table(version: "v1")),
        ("application/json;as=Table;v=v1beta1;g=meta.k8s.io", .table(version: "v1beta1")),
        ("application/vnd.kubernetes.protobuf,application/json", .object),
        ("application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1", .partialMetadata(version: "v1")),
        ("application/json;as=Table;v=v9;g=meta.k8s.io, application/json", .object),
    ])
    func `the first form of Accept that can be served is taken`(_ accept: String?, _ expected: Representation) throws {
        var request = HTTPRequest(path: "/")
        request.fields["Accept"] = accept
        #expect(try Representation(request) == expected)
    }

    @Test func `tokens compare whole`() {
        #expect(constantTimeEqual([1, 2, 3], [1, 2, 3]))
        #expect(!constantTimeEqual([1, 2, 3], [1, 2, 4]))
        #expect(!constantTimeEqual([1, 2, 3], [1, 2]))
    }

    @Test func `a uuid has version and variant`() {
        var random = SystemRandomNumberGenerator()
        for _ in 0..<100 {
            let text = Array(UUID.random(using: &random).utf8)
            #expect(text.count == 36 && text[14] == UInt8(ascii: "4") && "89ab".utf8.contains(text[19]))
        }
    }
}

struct DeletionTests {
    static func pod(node: String?, phase: String = "Running", grace: Int? = nil, finalizers: [String] = []) -> JSON {
        var pod: JSON = ["metadata": ["name": "p", "uid": "u", "generation": 1], "spec": [:], "status": ["phase": .string(phase)]]
        if let node { pod["spec"]["nodeName"] = .string(node) }
        if let grace { pod["spec"]["terminationGracePeriodSeconds"] = JSON(grace) }
        if !finalizers.isEmpty { pod["metadata"]["finalizers"] = .array(finalizers.map { .string($0) }) }
        return pod
    }

    /// `remove`, `unchanged`, or what the object is marked with: grace, finalizers.
    static func show(_ deletion: Deletion) -> String {
        switch deletion {
        case .remove: "remove"
        case .unchanged: "unchanged"
        case .mark(let object):
            "mark \(object["metadata"]["deletionGracePeriodSeconds"]) \(object["metadata"]["deletionTimestamp"].string ?? "") "
                + object.finalizers.joined(separator: ",")
        }
    }

    @Test(arguments: [
        // Nobody runs it: gone at once.
        (pod(node: nil), DeleteOptions(), "remove"),
        (pod(node: nil), DeleteOptions(gracePeriodSeconds: 30), "remove"),
        (pod(node: "n", phase: "Failed"), DeleteOptions(), "remove"),
        // A kubelet must stop it first.
        (pod(node: "n"), DeleteOptions(), "mark 30 1970-01-01T00:01:40Z "),
        (pod(node: "n", grace: 5), DeleteOptions(), "mark 5 1970-01-01T00:01:15Z "),
        (pod(node: "n"), DeleteOptions(gracePeriodSeconds: 1), "mark 1 1970-01-01T00:01:11Z "),
        (pod(node: "n"), DeleteOptions(gracePeriodSeconds: 0), "remove"),
        (pod(node: "n", grace: -1), DeleteOptions(), "mark 1 1970-01-01T00:01:11Z "),
        // Finalizers hold it.
        (pod(node: nil, finalizers: ["a/b"]), DeleteOptions(), "mark 0 1970-01-01T00:01:10Z a/b"),
        (pod(node: nil), DeleteOptions(propagation: "Foreground"), "mark 0 1970-01-01T00:01:10Z foregroundDeletion"),
        (pod(node: nil, finalizers: ["orphan"]), DeleteOptions(propagation: "Background"), "remove"),
    ])
    func `a first deletion`(_ pod: JSON, _ options: DeleteOptions, _ expected: String) throws {
        let kind = try #require(KindRegistry.standard.kind(for: .pods))
        #expect(Self.show(try Deletion.plan(pod, kind: kind, options: options, now: 70)) == expected)
    }

    @Test(arguments: [
        (nil, 80, "unchanged"), (60, 80, "unchanged"), (10, 75, "mark 10 1970-01-01T00:01:20Z "), (0, 80, "remove"),
        // Shorter, but its time is over already.
        (5, 90, "mark 5 1970-01-01T00:01:30Z "),
    ])
    func `a second deletion only shortens the time`(_ grace: Int?, _ now: Int, _ expected: String) throws {
        let kind = try #require(KindRegistry.standard.kind(for: .pods))
        var pod = Self.pod(node: "n")
        pod["metadata"]["deletionTimestamp"] = "1970-01-01T00:01:40Z"
        pod["metadata"]["deletionGracePeriodSeconds"] = 30
        let plan = try Deletion.plan(pod, kind: kind, options: DeleteOptions(gracePeriodSeconds: grace), now: Int64(now))
        #expect(Self.show(plan) == expected)
    }

    @Test func `preconditions and immortal namespaces refuse`() throws {
        let registry = KindRegistry.standard
        let pods = try #require(registry.kind(for: .pods))
        let namespaces = try #require(registry.kind(for: .namespaces))
        #expect(throws: StatusError.self) { try Deletion.plan(Self.pod(node: nil), kind: pods, options: DeleteOptions(uid: "x"), now: 0) }
        #expect {
            try Deletion.plan(["metadata": ["name": "default"]], kind: namespaces, options: DeleteOptions(), now: 0)
        } throws: {
            ($0 as? StatusError)?.message == "namespaces \"default\" is forbidden: this namespace may not be deleted"
        }
    }
}

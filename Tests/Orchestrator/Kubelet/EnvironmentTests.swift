import ContainerRuntime
import JSON
import Objects
import Testing

@testable import Kubelet

struct EnvironmentTests {
    @Test(arguments: [
        ("plain", "plain"), ("$(A)", "1"), ("x$(A)y$(B)z", "x1y22z"), ("$$(A)", "$(A)"), ("$$$(A)", "$1"), ("$(NOPE)", "$(NOPE)"),
        ("$(A", "$(A"), ("$A", "$A"), ("cost $", "cost $"), ("$$", "$"), ("$(A)$(A)", "11"), ("", ""), ("ü$(A)ü", "ü1ü"),
    ])
    func `expansion`(text: String, expected: String) {
        let values = ["A": "1", "B": "22"]
        #expect(Expansion.expand(text) { values[$0] } == expected)
    }

    @Test func `services are told as Docker's links were`() {
        let service: JSON = [
            "metadata": ["name": "redis-primary"],
            "spec": ["clusterIP": "10.0.0.11", "ports": [["name": "db", "port": 6379, "protocol": "TCP"], ["port": 53, "protocol": "UDP"]]],
        ]
        let headless: JSON = ["metadata": ["name": "none"], "spec": ["clusterIP": "None", "ports": [["port": 1]]]]
        let lines = ServiceEnvironment.variables([service, headless]).map { "\($0.name)=\($0.value)" }
        #expect(
            lines == [
                "REDIS_PRIMARY_SERVICE_HOST=10.0.0.11", "REDIS_PRIMARY_SERVICE_PORT=6379", "REDIS_PRIMARY_SERVICE_PORT_DB=6379",
                "REDIS_PRIMARY_PORT=tcp://10.0.0.11:6379", "REDIS_PRIMARY_PORT_6379_TCP=tcp://10.0.0.11:6379",
                "REDIS_PRIMARY_PORT_6379_TCP_PROTO=tcp", "REDIS_PRIMARY_PORT_6379_TCP_PORT=6379", "REDIS_PRIMARY_PORT_6379_TCP_ADDR=10.0.0.11",
                "REDIS_PRIMARY_PORT_53_UDP=udp://10.0.0.11:53", "REDIS_PRIMARY_PORT_53_UDP_PROTO=udp", "REDIS_PRIMARY_PORT_53_UDP_PORT=53",
                "REDIS_PRIMARY_PORT_53_UDP_ADDR=10.0.0.11",
            ])
    }

    private func environment(_ container: JSON, objects: ReferencedObjects = ReferencedObjects()) throws -> ContainerEnvironment {
        let pod = PodSpec(
            makePod("web", containers: [container]) {
                $0["metadata"]["labels"] = ["app": "shop"]
                $0["metadata"]["annotations"] = ["note": "hi"]
            })
        let fields = DownwardFields(pod: pod, podAddress: "10.88.0.2", hostAddress: "192.0.2.1", nodeMilliCPU: 2000, nodeMemoryBytes: 8 << 30)
        return try ContainerEnvironment(of: pod.containers[0], fields: fields, services: [], objects: objects)
    }

    @Test(arguments: [
        ("metadata.name", "web"), ("metadata.namespace", "default"), ("metadata.uid", "uid-of-web"), ("metadata.labels['app']", "shop"),
        ("metadata.annotations['note']", "hi"), ("metadata.annotations['none']", ""), ("spec.nodeName", "n1"), ("spec.serviceAccountName", "default"),
        ("status.podIP", "10.88.0.2"), ("status.hostIP", "192.0.2.1"),
    ])
    func `fields`(path: String, expected: String) throws {
        let environment = try environment(["name": "c", "env": [["name": "X", "valueFrom": ["fieldRef": ["fieldPath": .string(path)]]]]])
        #expect(environment["X"] == expected)
    }

    @Test(
        arguments: [
            ("limits.cpu", nil, "1"), ("limits.cpu", "1m", "500"), ("requests.cpu", "1m", "250"), ("limits.memory", "1Mi", "128"),
            ("requests.memory", "1", "67108864"), ("limits.memory", "100M", "2"),
        ] as [(String, String?, String)])
    func `resources, rounded up to whole divisors`(resource: String, divisor: String?, expected: String) throws {
        var reference: JSON = ["resource": .string(resource)]
        if let divisor { reference["divisor"] = .string(divisor) }
        let environment = try environment([
            "name": "c", "env": [["name": "X", "valueFrom": ["resourceFieldRef": reference]]],
            "resources": ["limits": ["cpu": "500m", "memory": "128Mi"], "requests": ["cpu": "250m", "memory": "64Mi"]],
        ])
        #expect(environment["X"] == expected)
    }

    @Test func `the later source wins, and values see earlier variables only`() throws {
        var objects = ReferencedObjects()
        objects.add(ObjectKey(kind: .configMap, namespace: "default", name: "m"), ["data": ["A": "map", "B": "map", "bad name": "x"]])
        objects.add(ObjectKey(kind: .secret, namespace: "default", name: "s"), ["data": ["B": "c2VjcmV0", "K": "aGk="]])
        let environment = try environment(
            [
                "name": "c",
                "envFrom": [["configMapRef": ["name": "m"]], ["secretRef": ["name": "s"]], ["prefix": "P_", "configMapRef": ["name": "m"]]],
                "env": [
                    ["name": "A", "value": "own"], ["name": "C", "value": "$(A)-$(B)-$(LATER)"], ["name": "LATER", "value": "x"],
                    ["name": "S", "valueFrom": ["secretKeyRef": ["name": "s", "key": "K"]]],
                    ["name": "O", "valueFrom": ["secretKeyRef": ["name": "s", "key": "nope", "optional": true]]],
                ],
            ], objects: objects)
        #expect(environment["A"] == "own" && environment["B"] == "secret" && environment["P_A"] == "map")
        #expect(environment["C"] == "own-secret-$(LATER)" && environment["S"] == "hi" && environment["O"] == nil)
        #expect(environment.skipped == ["bad name", "P_bad name"])
        #expect(environment["HOSTNAME"] == "web" && environment["PATH"] == ContainerEnvironment.standardPath)
        #expect(environment.list.count == Set(environment.list.map { $0.prefix { $0 != "=" } }).count)
    }

    @Test(
        arguments: [
            (["name": "X", "valueFrom": ["configMapKeyRef": ["name": "none", "key": "k"]]], "configmap \"none\" not found"),
            (["name": "X", "valueFrom": ["secretKeyRef": ["name": "none", "key": "k"]]], "secret \"none\" not found"),
            (["name": "X", "valueFrom": ["configMapKeyRef": ["name": "m", "key": "k"]]], "couldn't find key k in ConfigMap default/m"),
            (["name": "X", "valueFrom": ["fieldRef": ["fieldPath": "spec.nope"]]], "unsupported fieldPath: spec.nope"),
        ] as [(JSON, String)])
    func `what is missing is named`(variable: JSON, message: String) throws {
        var objects = ReferencedObjects()
        objects.add(ObjectKey(kind: .configMap, namespace: "default", name: "m"), ["data": [:]])
        #expect(throws: ConfigurationError(message)) { try environment(["name": "c", "env": [variable]], objects: objects) }
    }
}

struct ResourcesTests {
    @Test(arguments: [(0, 2), (1, 2), (100, 102), (250, 256), (1000, 1024), (400_000, 262_144)] as [(Int64, Int)])
    func `shares`(milli: Int64, expected: Int) { #expect(ContainerResources.shares(milliCPU: milli) == expected) }

    @Test(arguments: [(0, nil), (1, 1000), (5, 1000), (100, 10_000), (1500, 150_000)] as [(Int64, Int?)])
    func `quota`(milli: Int64, expected: Int?) { #expect(ContainerResources.quota(milliCPU: milli) == expected) }

    private static func pod(_ resources: JSON...) -> PodSpec {
        PodSpec(makePod("p", uid: "u", containers: resources.enumerated().map { ["name": .string("c\($0)"), "resources": $1] }))
    }
    static let both: JSON = ["requests": ["cpu": "500m", "memory": "64Mi"], "limits": ["cpu": "500m", "memory": "64Mi"]]

    @Test(arguments: [
        (pod(both), "/kubepods/podu", -997), (pod([:]), "/kubepods/besteffort/podu", 1000),
        (pod(["requests": ["memory": "1Gi"]]), "/kubepods/burstable/podu", 875), (pod(["requests": ["cpu": "1m"]]), "/kubepods/burstable/podu", 999),
    ])
    func `quality of service`(pod: PodSpec, path: String, score: Int) {
        #expect(ContainerResources.cgroupPath(qosClass: pod.qosClass, uid: pod.uid) == path)
        #expect(ContainerResources.oomScoreAdjustment(of: pod.containers[0], qosClass: pod.qosClass, nodeMemoryBytes: 8 << 30) == score)
    }

    @Test func `a pod's limits are the sum, if all have one`() {
        let limited = ContainerResources.limits(of: Self.pod(Self.both, Self.both), pids: 100)
        #expect(limited == ResourceLimits(cpuShares: 1024, cpuQuotaMicroseconds: 100_000, memoryBytes: 128 << 20, pids: 100))
        let open = ContainerResources.limits(of: Self.pod(Self.both, [:]), pids: nil)
        #expect(open == ResourceLimits(cpuShares: 512))
        #expect(ContainerResources.limits(of: Self.pod([:]), pids: nil) == ResourceLimits(cpuShares: 2))
    }

    @Test func `a container's limits`() {
        let container = Self.pod(["limits": ["cpu": "200m", "memory": "32Mi"]]).containers[0]
        #expect(
            ContainerResources.limits(of: container, pids: nil)
                == ResourceLimits(cpuShares: 204, cpuQuotaMicroseconds: 20_000, memoryBytes: 32 << 20))
    }
}

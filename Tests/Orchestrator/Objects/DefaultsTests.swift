import JSON
import Objects
import Testing

@Suite struct DefaultsTests {
    @Test func `a pod gets all that Kubernetes shows`() throws {
        let pod = try kind("Pod").created(webPod)
        #expect(
            pod["spec"]
                == [
                    "containers": [
                        [
                            "name": "c", "image": "nginx:1.27", "ports": [["containerPort": 80, "protocol": "TCP"]], "resources": [:],
                            "terminationMessagePath": "/dev/termination-log", "terminationMessagePolicy": "File",
                            "imagePullPolicy": "IfNotPresent",
                        ]
                    ],
                    "restartPolicy": "Always", "terminationGracePeriodSeconds": 30, "dnsPolicy": "ClusterFirst",
                    "serviceAccountName": "default", "serviceAccount": "default", "securityContext": [:],
                    "schedulerName": "default-scheduler", "enableServiceLinks": true, "preemptionPolicy": "PreemptLowerPriority", "priority": 0,
                    "tolerations": [
                        ["key": "node.kubernetes.io/not-ready", "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 300],
                        ["key": "node.kubernetes.io/unreachable", "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 300],
                    ],
                ])
        #expect(pod["status"] == ["phase": "Pending", "qosClass": "BestEffort"])
        #expect(pod["metadata"]["generation"] == 1)
        #expect(pod["metadata"]["uid"] == "u-1")
    }

    @Test(arguments: [
        ("nginx", "Always"), ("nginx:latest", "Always"), ("nginx:1.27", "IfNotPresent"), ("host:5000/nginx", "Always"),
        ("host:5000/nginx:1", "IfNotPresent"), ("nginx@sha256:abc", "IfNotPresent"), ("nginx:latest@sha256:abc", "IfNotPresent"),
    ])
    func `the pull policy follows the tag`(image: String, policy: String) throws {
        let pod = try kind("Pod").created(webPod.setting("spec.containers.0.image", .string(image)))
        #expect(pod["spec"]["containers"][0]["imagePullPolicy"].string == policy)
    }

    @Test func `probes, volumes, requests and host ports are completed`() throws {
        let pod = try kind("Pod").created(
            webPod.setting("spec.hostNetwork", true).setting("spec.containers.0.livenessProbe", ["httpGet": ["port": 80]])
                .setting("spec.containers.0.resources", ["limits": ["cpu": "1", "memory": "64Mi"], "requests": ["cpu": "100m"]])
                .setting("spec.volumes", [["name": "a"], ["name": "b", "configMap": ["name": "m"]], ["name": "c", "hostPath": ["path": "/x"]]]))
        let container = pod["spec"]["containers"][0]
        #expect(
            container["livenessProbe"] == [
                "httpGet": ["port": 80, "path": "/", "scheme": "HTTP"], "timeoutSeconds": 1, "periodSeconds": 10, "successThreshold": 1,
                "failureThreshold": 3,
            ])
        #expect(container["resources"]["requests"] == ["cpu": "100m", "memory": "64Mi"])
        #expect(container["ports"][0]["hostPort"] == 80)
        #expect(
            pod["spec"]["volumes"] == [
                ["name": "a", "emptyDir": [:]], ["name": "b", "configMap": ["name": "m", "defaultMode": 420]],
                ["name": "c", "hostPath": ["path": "/x", "type": ""]],
            ])
        #expect(pod["status"]["qosClass"] == "Burstable")
    }

    @Test func `a deployment's template stays a template`() throws {
        let deployment = try kind("Deployment", "apps/v1").created(webDeployment)
        let spec = deployment["spec"]
        #expect(spec["replicas"] == 1)
        #expect(spec["strategy"] == ["type": "RollingUpdate", "rollingUpdate": ["maxUnavailable": "25%", "maxSurge": "25%"]])
        #expect(spec["revisionHistoryLimit"] == 10)
        #expect(spec["progressDeadlineSeconds"] == 600)
        #expect(spec["template"]["spec"]["containers"][0]["imagePullPolicy"] == "Always")
        // These are given to pods only.
        for field in ["tolerations", "serviceAccountName", "enableServiceLinks", "priority"] { #expect(spec["template"]["spec"][field].isNull) }
        #expect(deployment["status"] == [:])
        let recreate = try kind("Deployment", "apps/v1").created(webDeployment.setting("spec.strategy", ["type": "Recreate"]))
        #expect(recreate["spec"]["strategy"] == ["type": "Recreate"])
    }

    @Test func `a service is completed by its type`() throws {
        let service: JSON = ["metadata": ["name": "web"], "spec": ["ports": [["port": 80]], "selector": ["app": "web"], "clusterIP": "10.0.0.9"]]
        let kind = try kind("Service")
        let plain = try kind.created(service)["spec"]
        #expect(plain["ports"] == [["port": 80, "protocol": "TCP", "targetPort": 80]])
        #expect(plain["clusterIPs"] == ["10.0.0.9"])
        #expect(plain["type"] == "ClusterIP")
        #expect(plain["sessionAffinity"] == "None")
        #expect(plain["internalTrafficPolicy"] == "Cluster")
        #expect(plain["ipFamilies"] == ["IPv4"])
        #expect(plain["externalTrafficPolicy"].isNull)
        #expect(try kind.created(service.setting("spec.type", "NodePort"))["spec"]["externalTrafficPolicy"] == "Cluster")
        #expect(
            try kind.created(service.setting("spec.sessionAffinity", "ClientIP"))["spec"]["sessionAffinityConfig"]
                == ["clientIP": ["timeoutSeconds": 10800]])
        #expect(try kind.created(service)["status"] == ["loadBalancer": [:]])
    }

    @Test func `other kinds`() throws {
        let secret = try kind("Secret").created(["metadata": ["name": "s"], "stringData": ["a": "foo"], "data": ["b": "Zg=="]])
        #expect(secret["data"] == ["b": "Zg==", "a": "Zm9v"])
        #expect(secret["stringData"].isNull)
        #expect(secret["type"] == "Opaque")
        let namespace = try kind("Namespace").created(["metadata": ["name": "blue"]])
        #expect(namespace.labels == ["kubernetes.io/metadata.name": "blue"])
        #expect(namespace["spec"] == ["finalizers": ["kubernetes"]])
        #expect(namespace["status"] == ["phase": "Active"])
        let controller = try kind("ReplicationController").created([
            "metadata": ["name": "rc"], "spec": ["template": webDeployment["spec"]["template"]],
        ])
        #expect(controller["spec"]["selector"] == ["app": "web"])
        #expect(controller.labels == ["app": "web"])
        let generated = try kind("ConfigMap").created(["metadata": ["generateName": "c-"]])
        #expect(generated.metadataName == "c-x2b4c")
    }

    @Test(arguments: ["Pod", "Deployment", "Service", "Namespace", "Secret"])
    func `defaulting twice changes nothing`(name: String) throws {
        let kind = try #require(KindRegistry.standard.kinds.first { $0.kind == name })
        let object: JSON = name == "Pod" ? webPod : name == "Deployment" ? webDeployment : ["metadata": ["name": "x"], "spec": ["ports": [["port": 1]]]]
        let once = try kind.created(object)
        #expect(kind.defaulted(once) == once)
        // What is stored can be sent back.
        let (decoded, unknown) = try kind.decode(once)
        #expect(decoded == once)
        #expect(unknown.isEmpty)
    }

    @Test func `an update keeps what the server owns and counts generations`() throws {
        let kind = try kind("Deployment", "apps/v1")
        var stored = try kind.created(webDeployment)
        stored["status"] = ["replicas": 3]
        let same = kind.prepareForUpdate(try kind.decode(webDeployment).object, replacing: stored)
        #expect(same == stored)
        let more = kind.prepareForUpdate(webDeployment.setting("spec.replicas", 5).setting("status", ["replicas": 9]), replacing: stored)
        #expect(more.generation == 2)
        #expect(more["status"] == ["replicas": 3])
        let status = kind.prepareForUpdate(
            webDeployment.setting("spec.replicas", 5).setting("status", ["replicas": 9]), replacing: stored, subresource: "status")
        #expect(status["spec"] == stored["spec"])
        #expect(status["status"] == ["replicas": 9])
        #expect(status.generation == 1)
    }

    @Test func `a toleration of everything needs no more`() throws {
        let pod = try kind("Pod").created(webPod.setting("spec.tolerations", [["operator": "Exists"]]))
        #expect(pod["spec"]["tolerations"] == [["operator": "Exists"]])
        let partly = try kind("Pod").created(
            webPod.setting("spec.tolerations", [["key": "node.kubernetes.io/not-ready", "operator": "Exists", "effect": "NoExecute"]]))
        #expect(partly["spec"]["tolerations"].elements.count == 2)
    }

    @Test func `subresources change only what they are for`() throws {
        let namespaces = try kind("Namespace")
        let blue = try namespaces.created(["metadata": ["name": "blue"]])
        #expect(namespaces.prepareForUpdate(["metadata": ["name": "blue"], "spec": [:]], replacing: blue)["spec"] == blue["spec"])
        #expect(namespaces.prepareForUpdate(["metadata": ["name": "blue"], "spec": [:]], replacing: blue, subresource: "finalize")["spec"] == [:])

        let pods = try kind("Pod")
        let pod = try pods.created(webPod)
        let debug = pod.setting("spec.hostNetwork", true).setting("spec.ephemeralContainers", [["name": "d", "image": "busybox:1"]])
        let merged = pods.prepareForUpdate(debug, replacing: pod, subresource: "ephemeralcontainers")
        #expect(merged["spec"]["hostNetwork"].isNull)
        #expect(merged["spec"]["ephemeralContainers"][0]["imagePullPolicy"] == "IfNotPresent")
        #expect(merged.generation == 2)
        #expect(pods.validate(merged, replacing: pod, subresource: "ephemeralcontainers").isEmpty)
        #expect(pods.validate(merged, replacing: pod).count == 1)
        #expect(pods.validate(merged).map(\.description) == ["spec.ephemeralContainers: Forbidden: cannot be set on create"])
    }

    @Test func `a service keeps its address and node ports`() throws {
        let kind = try kind("Service")
        let service: JSON = ["metadata": ["name": "web"], "spec": ["type": "NodePort", "ports": [["port": 80]]]]
        let stored = try kind.created(service.setting("spec.clusterIP", "10.0.0.9").setting("spec.ports.0.nodePort", 30080))
        let again = kind.prepareForUpdate(try kind.decode(service).object, replacing: stored)
        #expect(again == stored)
        let inner = kind.prepareForUpdate(stored.setting("spec.type", "ClusterIP"), replacing: stored)
        #expect(inner["spec"]["ports"] == [["port": 80, "protocol": "TCP", "targetPort": 80]])
        #expect(kind.validate(inner, replacing: stored).isEmpty)
    }
}

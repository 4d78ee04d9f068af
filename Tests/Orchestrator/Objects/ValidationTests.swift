import JSON
import Objects
import Testing

@Suite struct ValidationTests {
    @Test func `good objects pass`() throws {
        #expect(try kind("Pod").problems(webPod) == [])
        #expect(try kind("Deployment", "apps/v1").problems(webDeployment) == [])
        #expect(try kind("Service").problems(["metadata": ["name": "s"], "spec": ["ports": [["port": 80]]]]) == [])
        #expect(try kind("Lease", "coordination.k8s.io/v1").problems(["metadata": ["name": "n"], "spec": ["holderIdentity": "n"]]) == [])
        #expect(try kind("Node").problems(["metadata": ["name": "n1"]]) == [])
    }

    @Test(arguments: [
        ("metadata.name", #""Web""#, #"metadata.name: Invalid value: "Web": a lowercase RFC 1123 subdomain must consist of"#),
        ("metadata.labels", #"{"a b":"c"}"#, #"metadata.labels: Invalid value: "a b": name part must consist of alphanumeric"#),
        ("metadata.labels", #"{"a":"-"}"#, #"metadata.labels: Invalid value: "-": a valid label must be an empty string or consist of"#),
        ("spec.containers", "[]", "spec.containers: Required value"),
        ("spec.containers.0.image", #""""#, "spec.containers[0].image: Required value"),
        ("spec.containers.0.name", #""A""#, #"spec.containers[0].name: Invalid value: "A": a lowercase RFC 1123 label must consist of"#),
        ("spec.restartPolicy", #""Sometimes""#, #"spec.restartPolicy: Unsupported value: "Sometimes": supported values: "Always", "Never", "OnFailure""#),
        (
            "spec.containers.0.ports", #"[{"containerPort":70000}]"#,
            "spec.containers[0].ports[0].containerPort: Invalid value: 70000: must be between 1 and 65535, inclusive"
        ),
        ("spec.containers.0.ports", #"[{"containerPort":0}]"#, "spec.containers[0].ports[0].containerPort: Required value"),
        ("spec.containers.0.ports", #"[{"protocol":"TCP"}]"#, "spec.containers[0].ports[0].containerPort: Required value"),
        (
            "spec.containers.0.ports", #"[{"containerPort":80,"name":"a-name-that-is-too-long"}]"#,
            #"spec.containers[0].ports[0].name: Invalid value: "a-name-that-is-too-long": must be no more than 15 characters"#
        ),
        ("spec.containers.0.env", #"[{"name":""}]"#, "spec.containers[0].env[0].name: Required value"),
        ("spec.containers.0.env", #"[{"name":"A","valueFrom":{}}]"#, #"spec.containers[0].env[0].valueFrom: Invalid value: "": must specify one of:"#),
        ("spec.containers.0.volumeMounts", #"[{"name":"data","mountPath":"/d"}]"#, #"spec.containers[0].volumeMounts[0].name: Not found: "data""#),
        ("spec.containers.0.livenessProbe", #"{"periodSeconds":5}"#, "spec.containers[0].livenessProbe: Required value: must specify a handler type"),
        (
            "spec.containers.0.livenessProbe", #"{"exec":{"command":["a"]},"tcpSocket":{"port":1}}"#,
            "spec.containers[0].livenessProbe.tcpSocket: Forbidden: may not specify more than 1 handler type"
        ),
        (
            "spec.containers.0.resources", #"{"limits":{"cpu":"1"},"requests":{"cpu":"2"}}"#,
            #"spec.containers[0].resources.requests: Invalid value: "2": must be less than or equal to cpu limit of 1"#
        ),
        (
            "spec.containers.0.resources", #"{"requests":{"cores":"1"}}"#,
            #"spec.containers[0].resources.requests[cores]: Invalid value: "cores": must be a standard resource for containers"#
        ),
        ("spec.volumes", #"[{"name":"a"},{"name":"a"}]"#, #"spec.volumes[1].name: Duplicate value: "a""#),
        (
            "spec.volumes", #"[{"name":"a","emptyDir":{},"hostPath":{"path":"/x"}}]"#,
            "spec.volumes[0].hostPath: Forbidden: may not specify more than 1 volume type"
        ),
        ("spec.volumes", #"[{"name":"a","secret":{}}]"#, "spec.volumes[0].secret.secretName: Required value"),
        ("spec.tolerations", #"[{"value":"x"}]"#, #"spec.tolerations[0].operator: Invalid value: "": operator must be Exists when `key` is empty"#),
        ("spec.activeDeadlineSeconds", "0", "spec.activeDeadlineSeconds: Invalid value: 0: must be between 1 and 2147483647, inclusive"),
        ("spec.terminationGracePeriodSeconds", "-5", "spec.terminationGracePeriodSeconds: Invalid value: -5: must be greater than or equal to 0"),
        ("spec.hostname", #""a.b""#, #"spec.hostname: Invalid value: "a.b": must not contain dots"#),
        ("spec.initContainers", #"[{"name":"c","image":"x"}]"#, #"spec.containers[0].name: Duplicate value: "c""#),
    ])
    func `a bad pod is told why`(path: String, value: String, problem: String) throws {
        let problems = try kind("Pod").problems(webPod.setting(path, try json(value)))
        #expect(problems.count == 1, "\(problems)")
        #expect(problems.first?.hasPrefix(problem) == true, "\(problems)")
    }

    @Test(
        arguments: [
            ("spec.selector", nil, "spec.selector: Required value"),
            ("spec.selector", "{}", "spec.selector: Invalid value: {}: empty selector is invalid for deployment"),
            (
                "spec.selector", #"{"matchLabels":{"app":"other"}}"#,
                #"spec.template.metadata.labels: Invalid value: {"app":"web"}: `selector` does not match template `labels`"#
            ),
            ("spec.replicas", "-1", "spec.replicas: Invalid value: -1: must be greater than or equal to 0"),
            ("spec.template.spec.restartPolicy", #""Never""#, #"spec.template.spec.restartPolicy: Unsupported value: "Never": supported values: "Always""#),
            (
                "spec.strategy", #"{"type":"Recreate","rollingUpdate":{"maxSurge":1}}"#,
                "spec.strategy.rollingUpdate: Forbidden: may not be specified when strategy `type` is 'Recreate'"
            ),
            (
                "spec.strategy", #"{"rollingUpdate":{"maxSurge":0,"maxUnavailable":"0%"}}"#,
                #"spec.strategy.rollingUpdate.maxUnavailable: Invalid value: "0%": may not be 0 when `maxSurge` is 0"#
            ),
            (
                "spec.strategy", #"{"rollingUpdate":{"maxSurge":"lots"}}"#,
                #"spec.strategy.rollingUpdate.maxSurge: Invalid value: "lots": a valid percent string must be"#
            ),
            ("spec.progressDeadlineSeconds", "0", "spec.progressDeadlineSeconds: Invalid value: 0: must be greater than minReadySeconds"),
            ("spec.template.spec.containers", "[]", "spec.template.spec.containers: Required value"),
            (
                "spec.selector.matchExpressions", #"[{"key":"app","operator":"In"}]"#,
                "spec.selector.matchExpressions[0].values: Required value: must be specified when `operator` is 'In' or 'NotIn'"
            ),
        ] as [(String, String?, String)])
    func `a bad deployment is told why`(path: String, value: String?, problem: String) throws {
        let problems = try kind("Deployment", "apps/v1").problems(webDeployment.setting(path, try value.map(json)))
        #expect(problems.first { $0.hasPrefix(problem) } != nil, "\(problems)")
    }

    @Test(arguments: [
        (#"{}"#, "spec.ports: Required value"),
        (#"{"ports":[{"port":80},{"port":81}]}"#, "spec.ports[0].name: Required value"),
        (#"{"ports":[{"port":80,"name":"a"},{"port":80,"name":"b"}]}"#, #"spec.ports[1]: Duplicate value: {"protocol":"TCP","port":80}"#),
        (#"{"ports":[{"port":80,"nodePort":30000}]}"#, "spec.ports[0].nodePort: Forbidden: may not be used when `type` is 'ClusterIP'"),
        (#"{"type":"ExternalName"}"#, "spec.externalName: Required value"),
        (#"{"ports":[{"port":80}],"clusterIP":"10.0.0.300"}"#, #"spec.clusterIPs[0]: Invalid value: "10.0.0.300": must be a valid IP address"#),
        (
            #"{"ports":[{"port":80}],"sessionAffinity":"Sometimes"}"#,
            #"spec.sessionAffinity: Unsupported value: "Sometimes": supported values: "ClientIP", "None""#
        ),
        (#"{"ports":[{"port":80,"targetPort":"UPPER"}]}"#, #"spec.ports[0].targetPort: Invalid value: "UPPER": must contain only alpha-numeric"#),
    ])
    func `a bad service is told why`(spec: String, problem: String) throws {
        let problems = try kind("Service").problems(["metadata": ["name": "web"], "spec": json(spec)])
        #expect(problems.first?.hasPrefix(problem) == true, "\(problems)")
    }

    @Test func `one error stands alone and several in brackets`() throws {
        let kind = try kind("Deployment", "apps/v1")
        let one = StatusError.invalid(kind, name: "web", errors: [FieldError(.required, "spec.selector", "Required value")])
        #expect(one.message == #"Deployment.apps "web" is invalid: spec.selector: Required value"#)
        #expect(one.code == 422)
        #expect(
            one.details == [
                "name": "web", "group": "apps", "kind": "Deployment",
                "causes": [["reason": "FieldValueRequired", "message": "Required value", "field": "spec.selector"]],
            ])
        let two = StatusError.invalid(
            try ObjectsTests.kind("Pod"), name: "", errors: [FieldError(.required, "a", "Required value"), FieldError(.required, "b", "Required value")])
        #expect(two.message == #"Pod "" is invalid: [a: Required value, b: Required value]"#)
    }

    @Test func `a pod's image and tolerations may change, nothing else`() throws {
        let kind = try kind("Pod")
        #expect(
            try kind.problems(
                webPod.setting("spec.containers.0.image", "nginx:1.28").setting("spec.containers.0.imagePullPolicy", "IfNotPresent"), replacing: webPod) == [])
        #expect(try kind.problems(webPod.setting("metadata.labels.app", "other"), replacing: webPod) == [])
        #expect(try kind.problems(webPod.setting("spec.tolerations", [["key": "a", "operator": "Exists"]]), replacing: webPod) == [])
        let changed = try kind.problems(
            webPod.setting("spec.hostNetwork", true).setting("spec.nodeName", "n2"), replacing: webPod.setting("spec.nodeName", "n1"))
        #expect(changed.count == 1)
        #expect(changed.first?.hasPrefix("spec: Forbidden: pod updates may not change fields other than `spec.containers[*].image`,") == true)
        #expect(changed.first?.hasSuffix("changed: spec.containers, spec.hostNetwork, spec.nodeName") == true, "\(changed)")
        let fewer = try kind.problems(
            webPod.setting("spec.tolerations", []), replacing: webPod.setting("spec.tolerations", [["key": "a", "operator": "Exists"]]))
        #expect(fewer == ["spec.tolerations: Forbidden: existing toleration can not be modified except its tolerationSeconds"])
    }

    @Test func `identities do not change`() throws {
        let kind = try kind("Deployment", "apps/v1")
        let labels: JSON = ["app": "web", "tier": "x"]
        let moved = webDeployment.setting("spec.selector.matchLabels", labels).setting("spec.template.metadata.labels", labels)
        #expect(
            try kind.problems(moved, replacing: webDeployment)
                == [#"spec.selector: Invalid value: {"matchLabels":{"app":"web","tier":"x"}}: field is immutable"#])
        #expect(
            try kind.problems(webDeployment.setting("metadata.uid", "other"), replacing: webDeployment)
                == [#"metadata.uid: Invalid value: "other": field is immutable"#])
        let map: JSON = ["metadata": ["name": "m"], "data": ["a": "1"], "immutable": true]
        #expect(
            try ObjectsTests.kind("ConfigMap").problems(map.setting("data.a", "2"), replacing: map)
                == ["data: Forbidden: field is immutable when `immutable` is set"])
        let service: JSON = ["metadata": ["name": "s"], "spec": ["ports": [["port": 80]], "clusterIP": "10.0.0.1"]]
        let other = service.setting("spec.clusterIP", "10.0.0.2").setting("spec.clusterIPs", ["10.0.0.2"])
        #expect(
            try ObjectsTests.kind("Service").problems(other, replacing: service)
                == [#"spec.clusterIPs[0]: Invalid value: ["10.0.0.2"]: may not change once set"#])
    }

    @Test func `config keys and sizes are bounded`() throws {
        let kind = try kind("ConfigMap")
        #expect(
            try kind.problems(["metadata": ["name": "m"], "data": ["a/b": "x"]]).first?.hasPrefix(#"data[a/b]: Invalid value: "a/b": a valid config key"#)
                == true)
        let big = JSON.string(String(repeating: "x", count: 1 << 20 + 1))
        #expect(try kind.problems(["metadata": ["name": "m"], "data": ["a": big]]) == ["data: Too long: may not be more than 1048576 bytes"])
        #expect(try kind.problems(["metadata": ["name": "m"], "data": ["a": "x"], "binaryData": ["a": "Zg=="]]).count == 1)
        #expect(try kind.problems(["metadata": [:]]) == ["metadata.name: Required value: name or generateName is required"])
    }
}

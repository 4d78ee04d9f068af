import Glibc
import JSON
import Runtime
import TestKit
import Testing

/// What people do with kubectl, and what it tells them when they do it wrong.
@Suite(.serialized, .timeLimit(.minutes(10))) struct KubectlTests {
    private static let sleeper = """
        apiVersion: v1
        kind: Pod
        metadata:
          name: NAME
        spec:
          terminationGracePeriodSeconds: 1
          restartPolicy: POLICY
          containers:
            - name: main
              image: host
              command: ["/bin/sh", "-c", "COMMAND"]
              env:
                - name: GREETING
                  value: hello
                - name: SECRET
                  valueFrom:
                    secretKeyRef:
                      name: s
                      key: token
                      optional: true
              resources:
                limits:
                  memory: 48Mi
        """

    private func pod(_ name: String, _ command: String, policy: String = "Never") -> String {
        Self.sleeper.replacing("NAME", with: name).replacing("POLICY", with: policy).replacing("COMMAND", with: command)
    }

    private func phase(_ instance: Instance, _ name: String) async throws -> String {
        try await instance.get(["pod", name])["status"]["phase"].string ?? ""
    }

    @Test func `pods live and die as Kubernetes says`() async throws {
        let instance = try await Instance.start()
        for version in Kubectl.all {
            let manifest = pod("short", "echo $(GREETING) $SECRET; echo done > /dev/termination-log; exit 3")
            #expect(try await instance.kubectl(["create", "secret", "generic", "s", "--from-literal=token=xyz"], version: version).status == 0, "\(version)")
            let created = try await instance.kubectl(["apply", "-f", "-"], version: version, input: manifest)
            #expect(created.output.contains("pod/short created"), "\(version): \(created.description)")
            #expect(try await eventually(within: 20) { try await phase(instance, "short") == "Failed" })
            let state = try await instance.get(["pod", "short"])["status"]["containerStatuses"][0]["state"]["terminated"]
            #expect(state["exitCode"] == 3 && state["reason"] == "Error" && state["message"] == "done\n", "\(state)")
            #expect(try await instance.kubectl(["logs", "short"], version: version).output == "hello xyz\n")
            #expect(try await instance.kubectl(["label", "pod", "short", "a=b"], version: version).output.contains("labeled"))
            #expect(try await instance.kubectl(["get", "pod", "-l", "a=b", "-o", "name"], version: version).output == "pod/short\n")
            let again = try await instance.kubectl(["apply", "-f", "-"], version: version, input: manifest)
            #expect(again.output.contains("unchanged") || again.output.contains("configured"), "\(again.description)")
            #expect(try await instance.kubectl(["delete", "pod", "short"], version: version).output.contains("deleted"))
            #expect(try await instance.kubectl(["delete", "secret", "s"], version: version).status == 0)
        }
        try await checkRestarts(instance)
        try await checkMemory(instance)
        try await checkErrors(instance)
        try await checkScale(instance)
        #expect(try await instance.stop() == 0)
        #expect(try await Leftovers.of(instance).isEmpty)
    }

    private func checkRestarts(_ instance: Instance) async throws {
        _ = try await instance.kubectl(["apply", "-f", "-"], input: pod("looper", "echo run; exit 1", policy: "Always"))
        #expect(
            try await eventually(within: 30) {
                let status = try await instance.get(["pod", "looper"])["status"]["containerStatuses"][0]
                return status["state"]["waiting"]["reason"] == "CrashLoopBackOff" && (status["restartCount"].int ?? 0) >= 1
            })
        #expect(try await instance.kubectl(["logs", "-p", "looper"]).output == "run\n")
        #expect(
            try await eventually(within: 10) {
                try await instance.kubectl(["describe", "pod", "looper"]).output.contains("Back-off restarting failed container")
            })
        #expect(try await instance.kubectl(["get", "pod", "looper"]).output.contains("CrashLoopBackOff"))
        #expect(try await instance.kubectl(["delete", "pod", "looper"]).status == 0)
    }

    /// A limit of 48 MiB against a program that wants 200.
    private func checkMemory(_ instance: Instance) async throws {
        _ = try await instance.kubectl(["apply", "-f", "-"], input: pod("glutton", "head -c 200m /dev/zero | tail | wc -c"))
        let isDone = try await eventually(within: 30) { ["Failed", "Succeeded"].contains(try await phase(instance, "glutton")) }
        #expect(isDone)
        // The shell lives, its child is killed: the kernel's count says so.
        let metrics = try await instance.curl("/metrics/cadvisor")
        #expect(!metrics.isEmpty)
        _ = try await instance.kubectl(["apply", "-f", "-"], input: pod("hungry", "exec tail /dev/zero"))
        let wasKilled = try await eventually(within: 30) {
            let state = try await instance.get(["pod", "hungry"])["status"]["containerStatuses"][0]["state"]["terminated"]
            return state["reason"] == "OOMKilled" && state["exitCode"] == 137
        }
        let status = try await instance.get(["pod", "hungry"])["status"]
        #expect(wasKilled, "\(status)")
        #expect(try await instance.kubectl(["delete", "pod", "glutton", "hungry"]).status == 0)
    }

    private func checkErrors(_ instance: Instance) async throws {
        let cases: [(String, String)] = [
            ("apiVersion: apps/v1\nkind: Deploymint\nmetadata:\n  name: x\n", "no matches for kind \"Deploymint\""),
            (
                "apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: x\nspec:\n  replicas: many\n  selector: {matchLabels: {a: b}}\n  template: {metadata: {labels: {a: b}}, spec: {containers: [{name: c, image: host}]}}\n",
                "spec.replicas"
            ),
            (
                "apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: x\nspec:\n  selector: {matchLabels: {a: b}}\n  template: {metadata: {labels: {a: c}}, spec: {containers: [{name: c, image: host}]}}\n",
                "`selector` does not match template `labels`"
            ),
            (
                "apiVersion: v1\nkind: Pod\nmetadata:\n  name: Bad_Name\nspec:\n  containers: [{name: c, image: host}]\n",
                "a lowercase RFC 1123 subdomain must consist of"
            ),
            ("apiVersion: v1\nkind: Pod\nmetadata:\n  name: x\nspec:\n  containers: []\n", "spec.containers: Required value"),
        ]
        for (manifest, message) in cases {
            let outcome = try await instance.kubectl(["apply", "-f", "-"], input: manifest)
            #expect(outcome.status != 0 && outcome.errors.contains(message), "\(message): \(outcome.description)")
        }
        #expect(try await instance.kubectl(["get", "pod", "nobody"]).errors.contains("pods \"nobody\" not found"))
        #expect(try await instance.kubectl(["get", "pods", "--field-selector", "spec.color=red"]).errors.contains("field label not supported"))
        if let newest = Kubectl.newer.last {
            let unknown = "apiVersion: v1\nkind: Pod\nmetadata:\n  name: x\nspec:\n  containerz: []\n  containers: [{name: c, image: host}]\n"
            let outcome = try await instance.kubectl(["apply", "-f", "-"], version: newest, input: unknown)
            #expect(outcome.status != 0 && outcome.errors.contains("unknown field \"spec.containerz\""), "\(outcome.description)")
        }
        let wrongImage =
            "apiVersion: v1\nkind: Pod\nmetadata:\n  name: pull\nspec:\n  terminationGracePeriodSeconds: 0\n  containers: [{name: c, image: \"nginx:1\"}]\n"
        _ = try await instance.kubectl(["apply", "-f", "-"], input: wrongImage)
        #expect(
            try await eventually(within: 20) {
                let reason = try await instance.get(["pod", "pull"])["status"]["containerStatuses"][0]["state"]["waiting"]["reason"].string ?? ""
                return ["ErrImagePull", "ImagePullBackOff"].contains(reason)
            })
        #expect(try await instance.kubectl(["delete", "pod", "pull"]).status == 0)
    }

    private func checkScale(_ instance: Instance) async throws {
        let manifest = """
            apiVersion: apps/v1
            kind: Deployment
            metadata: {name: idle}
            spec:
              replicas: 1
              selector: {matchLabels: {app: idle}}
              template:
                metadata: {labels: {app: idle}}
                spec:
                  terminationGracePeriodSeconds: 0
                  containers: [{name: c, image: host, command: [sleep, "1000"]}]
            """
        for version in Kubectl.all {
            #expect(try await instance.kubectl(["apply", "-f", "-"], version: version, input: manifest).status == 0)
            #expect(try await instance.kubectl(["scale", "deploy/idle", "--replicas=3"], version: version).output.contains("scaled"))
            #expect(try await eventually(within: 20) { try await instance.get(["deploy", "idle"])["status"]["readyReplicas"] == 3 })
            #expect(try await instance.kubectl(["delete", "deploy", "idle"], version: version).status == 0)
            #expect(try await eventually(within: 30) { try await instance.get(["pods", "-l", "app=idle"])["items"].elements.isEmpty })
        }
    }
}

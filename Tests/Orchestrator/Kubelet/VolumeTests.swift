import ContainerRuntime
import Glibc
import JSON
import Objects
import Runtime
import TestKit
import Testing

@testable import Kubelet

struct VolumeTests {
    private let directory = TemporaryDirectory("volumes")
    private let system = HostFileSystem()

    private func fields(_ pod: PodSpec) -> DownwardFields {
        DownwardFields(pod: pod, podAddress: "10.88.0.2", hostAddress: "192.0.2.1", nodeMilliCPU: 1000, nodeMemoryBytes: 1 << 30)
    }
    private func files(_ pairs: [String: String]) -> [String: VolumeFiles.File] {
        pairs.mapValues { VolumeFiles.File(bytes: Array($0.utf8), mode: 0o644) }
    }

    @Test func `files change all at once, behind one link`() throws {
        let path = directory.file("v")
        let atomic = AtomicDirectory(path: path)
        #expect(try atomic.write(files(["a": "1", "dir/b": "2"]), owner: nil))
        #expect(try system.text("\(path)/a") == "1" && system.text("\(path)/dir/b") == "2")
        #expect(try system.status("\(path)/a").mode & 0o777 == 0o644)
        #expect(try !atomic.write(files(["a": "1", "dir/b": "2"]), owner: nil))
        // A reader that holds the old version open goes on reading it.
        let old = try system.open("\(path)/..data/a")
        #expect(try atomic.write(files(["a": "3", "c": "4"]), owner: nil))
        #expect(try system.text("\(path)/a") == "3" && system.text("\(path)/c") == "4")
        #expect(try old.read(at: 0, count: 10) == Array("1".utf8))
        #expect(try system.list(path).filter { !$0.hasPrefix("..") } == ["a", "c"])
        // Two versions never lie about for long.
        #expect(try system.list(path).filter { $0.hasPrefix("..v") }.count == 1)
    }

    @Test func `a tree is removed without following links out of it`() throws {
        let outside = directory.file("outside")
        let tree = directory.file("tree")
        try system.makeDirectory(outside, mode: 0o755)
        try system.makeDirectory("\(tree)/deep/er", mode: 0o755)
        try system.write("\(outside)/precious", [1])
        try system.write("\(tree)/deep/file", [1])
        #expect(unsafe symlink(outside, "\(tree)/link") == 0)
        #expect(TreeRemover.remove(tree))
        #expect(!system.exists(tree) && system.exists("\(outside)/precious"))
        #expect(TreeRemover.remove(tree))
    }

    @Test func `projected files come from all their sources`() throws {
        let pod = PodSpec(makePod("web") { $0["metadata"]["labels"] = ["a": "x", "b": "y\"z"] })
        var objects = ReferencedObjects()
        objects.add(ObjectKey(kind: .configMap, namespace: "default", name: "m"), ["data": ["k": "v", "l": "w"], "binaryData": ["bin": "AAE="]])
        objects.add(ObjectKey(kind: .secret, namespace: "default", name: "s"), ["data": ["p": "cGFzcw=="]])
        let volume: JSON = [
            "name": "all",
            "projected": [
                "defaultMode": 0o400,
                "sources": [
                    ["configMap": ["name": "m", "items": [["key": "k", "path": "sub/k", "mode": 0o600]]]], ["secret": ["name": "s"]],
                    ["downwardAPI": ["items": [["path": "labels", "fieldRef": ["fieldPath": "metadata.labels"]]]]],
                    ["configMap": ["name": "none", "optional": true]],
                ],
            ],
        ]
        let made = try VolumeFiles(of: volume, fields: fields(pod), objects: objects).files
        #expect(made["sub/k"] == .init(bytes: Array("v".utf8), mode: 0o600))
        #expect(made["p"] == .init(bytes: Array("pass".utf8), mode: 0o400))
        #expect(made["labels"]?.bytes == Array("a=\"x\"\nb=\"y\\\"z\"".utf8))
        #expect(made.count == 3)
        let whole = try VolumeFiles(of: ["name": "v", "configMap": ["name": "m"]], fields: fields(pod), objects: objects).files
        #expect(whole["bin"]?.bytes == [0, 1] && whole.count == 3)
    }

    @Test(
        arguments: [
            (["name": "v", "configMap": ["name": "none"]], "MountVolume.SetUp failed for volume \"v\" : configmap \"none\" not found"),
            (["name": "v", "secret": ["secretName": "none"]], "MountVolume.SetUp failed for volume \"v\" : secret \"none\" not found"),
            (
                ["name": "v", "configMap": ["name": "m", "items": [["key": "x", "path": "x"]]]],
                "MountVolume.SetUp failed for volume \"v\" : references non-existent config key: x"
            ),
            (
                ["name": "v", "configMap": ["name": "m", "items": [["key": "k", "path": "../x"]]]],
                "MountVolume.SetUp failed for volume \"v\" : \"../x\" is not a path inside the volume"
            ),
        ] as [(JSON, String)])
    func `what is wrong with a volume is said`(volume: JSON, message: String) {
        var objects = ReferencedObjects()
        objects.add(ObjectKey(kind: .configMap, namespace: "default", name: "m"), ["data": ["k": "v"]])
        let fields = fields(PodSpec(makePod("web")))
        let error = #expect(throws: VolumeError.self) { try VolumeFiles(of: volume, fields: fields, objects: objects) }
        #expect(error?.message == message)
    }

    @Test func `emptyDir outlives set-up, and ends with the pod`() throws {
        let pod = PodSpec(makePod("web") { $0["spec"]["volumes"] = [["name": "v", "emptyDir": [:]], ["name": "m", "emptyDir": ["medium": "Memory"]]] })
        let volumes = PodVolumes(root: directory.path, uid: "u")
        try volumes.setUp(pod, fields: fields(pod), objects: ReferencedObjects())
        let file = "\(volumes.directory("v"))/file"
        try system.write(file, [1])
        try system.write("\(volumes.directory("m"))/file", [1])
        #expect(try system.status(volumes.directory("v")).mode & 0o777 == 0o777)
        try volumes.setUp(pod, fields: fields(pod), objects: ReferencedObjects())
        #expect(system.exists(file))
        #expect(volumes.tearDown())
        #expect(!system.exists(volumes.podDirectory))
    }

    @Test(arguments: [
        ("Directory", "dir", true), ("Directory", "file", false), ("Directory", "none", false), ("File", "file", true), ("File", "dir", false),
        ("DirectoryOrCreate", "new", true), ("FileOrCreate", "new", true), ("Socket", "file", false), ("", "dir", true), ("", "new", true),
    ])
    func `hostPath types`(type: String, name: String, isGood: Bool) throws {
        try system.makeDirectory(directory.file("dir"), mode: 0o755)
        try system.write(directory.file("file"), [1])
        let path = directory.file(name)
        let pod = PodSpec(makePod("web") { $0["spec"]["volumes"] = [["name": "v", "hostPath": ["path": .string(path), "type": .string(type)]]] })
        let volumes = PodVolumes(root: directory.path, uid: "u")
        let error: VolumeError?
        do throws(VolumeError) {
            try volumes.setUp(pod, fields: fields(pod), objects: ReferencedObjects())
            error = nil
        } catch { #expect(error.problem.hasPrefix("hostPath type check failed: ")); return #expect(!isGood) }
        #expect(isGood && error == nil)
    }

    @Test func `subPath stays in its volume`() throws {
        let pod = PodSpec(
            makePod("web", containers: [["name": "c", "volumeMounts": [["name": "v", "mountPath": "/data", "subPathExpr": "$(DIR)/x"]]]]) {
                $0["spec"]["volumes"] = [["name": "v", "emptyDir": [:]]]
            })
        let volumes = PodVolumes(root: directory.path, uid: "u")
        try volumes.setUp(pod, fields: fields(pod), objects: ReferencedObjects())
        func mounts(_ directory: String) throws -> [ContainerConfig.Mount] {
            try volumes.mounts(of: pod.containers[0], in: pod) { $0 == "$(DIR)/x" ? "\(directory)/x" : $0 }
        }
        #expect(try mounts("a")[0].source.hasSuffix("/volumes/v/a/x"))
        #expect(throws: ConfigurationError.self) { try mounts("..") }
        // Links in tests lead only to directories of the test's own: whatever follows one by mistake must find nothing of value.
        let outside = TemporaryDirectory("outside")
        #expect(unsafe symlink(outside.path, "\(volumes.directory("v"))/out") == 0)
        #expect(throws: ConfigurationError.self) { try mounts("out") }
        #expect(!system.exists(outside.file("x")))
    }
}

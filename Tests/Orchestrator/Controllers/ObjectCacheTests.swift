import JSON
import Objects
import Runtime
import Testing

@testable import Controllers

@Suite struct ObjectCacheTests {
    private func pod(_ name: String, version: Int, uid: String = "u", labels: [String: String] = [:], owner: String? = nil) -> JSON {
        var pod: JSON = [
            "metadata": [
                "name": .string(name), "namespace": "ns", "uid": .string(uid), "resourceVersion": .string("\(version)"), "labels": .strings(labels),
            ]
        ]
        if let owner { pod["metadata"]["ownerReferences"] = [["uid": .string(owner), "controller": true]] }
        return pod
    }
    private let key = ObjectKey("ns", "p")

    @Test func `what we wrote is seen at once and survives older news`() {
        let cache = ObjectCache(.pods)
        cache.apply(WatchEvent(.added, pod("p", version: 1)))
        cache.note(written: pod("p", version: 5, labels: ["x": "1"]))
        cache.apply(WatchEvent(.modified, pod("p", version: 3)))
        #expect(cache[key]?.version == 5)
        #expect(cache.matching(namespace: "ns", labels: ["x": "1"]).count == 1)
    }

    @Test func `an answer that the watch has passed does not bring a deleted object back`() {
        let cache = ObjectCache(.pods)
        cache.apply(WatchEvent(.added, pod("p", version: 2)))
        cache.apply(WatchEvent(.deleted, pod("p", version: 3)))
        cache.note(written: pod("p", version: 2))
        #expect(cache[key] == nil)
    }

    @Test func `the deletion of a former object leaves its successor`() {
        let cache = ObjectCache(.pods)
        cache.apply(WatchEvent(.added, pod("p", version: 2, uid: "old")))
        cache.note(written: pod("p", version: 9, uid: "new"))
        cache.apply(WatchEvent(.deleted, pod("p", version: 8, uid: "old")))
        #expect(cache[key]?.uid == "new")
    }

    @Test func `a deletion that we asked for shows until the watch tells of it`() {
        let cache = ObjectCache(.pods)
        cache.apply(WatchEvent(.added, pod("p", version: 2)))
        cache.assume(.deleted(at: "2026-01-01T00:00:00Z"), of: "u", at: key)
        #expect(cache[key]?.isTerminating == true)
        // A status update that happened before the deletion must not hide it.
        cache.apply(WatchEvent(.modified, pod("p", version: 3, labels: ["x": "1"])))
        #expect(cache[key]?.isTerminating == true)
        cache.apply(WatchEvent(.deleted, pod("p", version: 4)))
        cache.apply(WatchEvent(.added, pod("p", version: 5)))
        #expect(cache[key]?.isTerminating == false)
    }

    @Test func `a list drops what is gone, keeps what we wrote since, and tells of both`() {
        let cache = ObjectCache(.pods)
        let changes = Recorder()
        cache.observe { changes.add("\($0.object.key.name) \($0.new == nil ? "gone" : "\($0.new!.version)")") }
        cache.apply(WatchEvent(.added, pod("gone", version: 1, uid: "1")))
        cache.note(written: pod("mine", version: 9, uid: "2"))
        cache.replace(with: ObjectList(items: [pod("p", version: 4, uid: "3")], resourceVersion: "5"))
        #expect(changes.all == ["gone 1", "mine 9", "p 4", "gone gone"])
        #expect(cache.isSynced)
        #expect(cache.count == 2)
        #expect(cache.reachedVersion == 5)
    }

    @Test func `indexes follow owners, labels and nodes`() {
        let cache = ObjectCache(.pods)
        cache.apply(WatchEvent(.added, pod("p", version: 1, labels: ["a": "1", "b": "2"])))
        #expect(cache.uncontrolled(namespace: "ns").count == 1)
        #expect(cache.on(node: "").count == 1)
        cache.apply(WatchEvent(.modified, pod("p", version: 2, labels: ["a": "1"], owner: "o")))
        #expect(cache.uncontrolled(namespace: "ns").isEmpty)
        #expect(cache.dependents(of: "o").count == 1)
        #expect(cache.matching(namespace: "ns", labels: ["a": "1", "b": "2"]).isEmpty)
        #expect(cache.matching(namespace: "ns", labels: ["a": "1"]).count == 1)
        cache.assume(.bound(node: "n"), of: "u", at: key)
        #expect(cache.on(node: "n").count == 1)
        #expect(cache.on(node: "").isEmpty)
        cache.apply(WatchEvent(.deleted, pod("p", version: 3)))
        #expect(cache.dependents(of: "o").isEmpty && cache.on(node: "n").isEmpty && cache.all().isEmpty)
    }
}

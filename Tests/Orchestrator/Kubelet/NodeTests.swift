import ContainerRuntime
import JSON
import Objects
import Testing

@testable import Kubelet

struct NodeTests {
    private func node(memoryAvailable: Int64 = 1 << 30, diskAvailable: Int64 = 50 << 30, missing: [String] = []) -> NodeObject {
        NodeObject(
            name: "n1", address: "192.0.2.1", extraLabels: ["disk": "ssd"], version: "v1.33.0", kubeletPort: 10250, podCIDR: "10.88.0.0/24",
            facts: MachineFacts(
                cpuCount: 4, memoryBytes: 8 << 30, memoryAvailableBytes: memoryAvailable, diskBytes: 100 << 30, diskAvailableBytes: diskAvailable),
            abilities: RuntimeAbilities(
                name: "host", version: "1", hasNamespaces: true, hasPodNetwork: true, hasWritableLayers: true, cgroupControllers: [], missing: missing))
    }

    @Test func `what the object says`() {
        let object = node().withStatus(node().object, now: 1_700_000_000)
        #expect(object.labels["kubernetes.io/hostname"] == "n1" && object.labels["disk"] == "ssd" && object.labels["beta.kubernetes.io/arch"] == "amd64")
        #expect(object["status"]["capacity"] == ["cpu": "4", "ephemeral-storage": "104857600Ki", "memory": "8388608Ki", "pods": "110"])
        #expect(object["status"]["addresses"][0] == ["type": "InternalIP", "address": "192.0.2.1"])
        #expect(object.condition("Ready")?["message"] == "kubelet is posting ready status")
        #expect(object["spec"]["podCIDR"] == "10.88.0.0/24")
        #expect(object.condition("RuntimeLimited") == nil)
    }

    @Test func `pressure is told`() {
        let object = node(memoryAvailable: 50 << 20, diskAvailable: 5 << 30, missing: ["No cgroups."]).withStatus(node().object, now: 1)
        #expect(object.isConditionTrue("MemoryPressure") && object.isConditionTrue("DiskPressure") && !object.isConditionTrue("PIDPressure"))
        #expect(object.condition("RuntimeLimited")?["message"] == "No cgroups.")
    }

    @Test func `a heartbeat alone is no change`() {
        let first = node().withStatus(node().object, now: 1_000)
        #expect(NodeObject.isSameStatus(first, node().withStatus(first, now: 2_000)))
        #expect(!NodeObject.isSameStatus(first, node(memoryAvailable: 0).withStatus(first, now: 2_000)))
    }

    @Test func `labels of others stay`() {
        var stored = node().object
        #expect(node().labelled(stored) == nil)
        stored["metadata"]["labels"]["team"] = "x"
        stored["metadata"]["labels"].remove("disk")
        #expect(node().labelled(stored)?.labels["team"] == "x" && node().labelled(stored)?.labels["disk"] == "ssd")
    }

    @Test func `this machine has a processor, memory and a kernel`() {
        let facts = MachineFacts.read(directory: "/")
        #expect(facts.cpuCount > 0 && facts.memoryBytes > 0 && facts.memoryAvailableBytes > 0 && facts.diskBytes > 0)
        #expect(!facts.kernelVersion.isEmpty && !facts.osImage.isEmpty && !facts.bootID.isEmpty)
    }
}

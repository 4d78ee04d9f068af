@testable import Discovery

/// Answers of the CRI, built by the field numbers of `api.proto`; the JSON in `info` has the members that containerd 1.6
/// and CRI-O 1.2x give.
enum CRIFixtures {
    static func message(_ build: (inout ProtoBuilder) -> Void) -> [UInt8] {
        var builder = ProtoBuilder()
        build(&builder)
        return builder.bytes
    }

    static func version(_ runtime: String) -> [UInt8] {
        message {
            $0.add(1, "0.1.0")
            $0.add(2, runtime)
            $0.add(3, "1.7.0")
            $0.add(4, "v1")
        }
    }

    static func containers(_ items: [(id: String, state: UInt64)]) -> [UInt8] {
        message { list in
            for item in items {
                let container = message {
                    $0.add(1, item.id)
                    $0.add(6, item.state)
                    $0.add(7, 1_790_000_000_000_000_000)
                }
                list.add(1, message: container)
            }
        }
    }

    static func sandboxes(_ items: [(id: String, state: UInt64)]) -> [UInt8] {
        message { list in
            for item in items {
                let sandbox = message {
                    $0.add(1, item.id)
                    $0.add(3, item.state)
                    $0.add(4, 1_790_000_000_000_000_000)
                }
                list.add(1, message: sandbox)
            }
        }
    }

    private static func pair(_ key: String, _ value: String) -> [UInt8] {
        message {
            $0.add(1, key)
            $0.add(2, value)
        }
    }

    static func containerStatus(_ id: String, runtime: String) -> [UInt8] {
        let uid = CgroupIdentityTests.uid
        let status = message { status in
            status.add(1, id)
            let metadata = message {
                $0.add(1, "app")
                $0.add(2, 7)
            }
            status.add(2, message: metadata)
            status.add(3, 1)
            status.add(4, 1_790_000_000_000_000_000)
            status.add(5, 1_790_000_001_000_000_000)
            let image = message {
                $0.add(1, "sha256:abcd")
                $0.add(18, "registry.example/app:1.2")
            }
            status.add(8, message: image)
            status.add(9, "registry.example/app@sha256:ef")
            let labels = [
                ("io.kubernetes.container.name", "app"), ("io.kubernetes.pod.name", "web-0"), ("io.kubernetes.pod.namespace", "shop"),
                ("io.kubernetes.pod.uid", uid), ("tier", "front"), ("secret", "x"),
            ]
            for (key, value) in labels { status.add(12, message: pair(key, value)) }
            status.add(15, "/var/log/pods/shop_web-0_\(uid)/app/7.log")
            let linux = message {
                $0.add(1, 100_000)
                $0.add(2, 50_000)
                $0.add(3, 256)
                $0.add(4, 128 << 20)
            }
            status.add(16, message: message { $0.add(1, message: linux) })
        }
        let (prefix, slice) = (runtime == "cri-o" ? "crio" : "cri-containerd", "kubepods-burstable-pod\(CgroupIdentityTests.escaped).slice")
        let info = """
            {"sandboxID":"\(CgroupIdentityTests.other)","pid":78,"removing":false,"snapshotKey":"\(id)","snapshotter":"overlayfs",
            "runtimeSpec":{"process":{"env":["PATH=/bin","REGION=eu","PASSWORD=x"]},"linux":{"cgroupsPath":"\(slice):\(prefix):\(id)"}}}
            """
        return message {
            $0.add(1, message: status)
            $0.add(2, message: pair("info", info))
        }
    }

    static func sandboxStatus(_ id: String) -> [UInt8] {
        let status = message { status in
            status.add(1, id)
            let metadata = message {
                $0.add(1, "web-0")
                $0.add(2, CgroupIdentityTests.uid)
                $0.add(3, "shop")
                $0.add(4, 1)
            }
            status.add(2, message: metadata)
            status.add(4, 1_790_000_000_000_000_000)
        }
        return message {
            $0.add(1, message: status)
            $0.add(2, message: pair("info", #"{"pid":77,"image":"registry.k8s.io/pause:3.9"}"#))
        }
    }

    static func event(_ id: String, _ type: UInt64) -> [UInt8] {
        message {
            $0.add(1, id)
            $0.add(2, type)
            $0.add(3, 1_790_000_000_000_000_000)
        }
    }
}

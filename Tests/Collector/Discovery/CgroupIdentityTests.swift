import TestKit
import Testing

@testable import Discovery

@Suite struct CgroupIdentityTests {
    static let id = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
    static let other = "fedcba9876543210fedcba9876543210fedcba9876543210fedcba9876543210"
    static let uid = "0a1b2c3d-1111-2222-3333-444455556666"
    static let escaped = "0a1b2c3d_1111_2222_3333_444455556666"
    static let mirror = "0123456789abcdef0123456789abcdef"

    @Test(
        arguments: [
            ("/docker/\(id)", "docker"),
            ("/system.slice/docker-\(id).scope", "docker"),
            ("/user.slice/user-1000.slice/user@1000.service/user.slice/docker-\(id).scope", "docker"),
            ("/machine.slice/libpod-\(id).scope", "podman"),
            ("/libpod_parent/libpod-\(id)", "podman"),
            ("/machine.slice/machine-libpod_pod_\(other).slice/libpod-\(id).scope", "podman"),
            ("/user.slice/user-1000.slice/user@1000.service/user.slice/libpod-\(id).scope", "podman"),
            ("/kubepods/besteffort/pod\(uid)/\(id)", nil),
            ("/kubepods/pod\(uid)/crio-\(id)", "crio"),
            ("/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod\(escaped).slice/cri-containerd-\(id).scope", "containerd"),
            ("/kubepods.slice/kubepods-pod\(escaped).slice/crio-\(id).scope", "crio"),
            ("/kubepods.slice/kubepods-pod\(escaped).slice/docker-\(id).scope", "docker"),
            ("/kubelet/kubepods/burstable/pod\(mirror)/\(id)", nil),
            ("/system.slice/containerd.service/kubepods-burstable-pod\(uid).slice:cri-containerd:\(id)", "containerd"),
            ("/default/\(id)", nil),
            ("/system.slice/nerdctl-\(id).scope", "containerd"),
            // A container in a container: the inner one.
            ("/docker/\(other)/docker/\(id)", "docker"),
            ("/docker/\(other)/kubepods/pod\(uid)/\(id)", nil),
        ] as [(String, String?)])
    func `a container's id is found in the paths of every runtime and driver`(path: String, runtime: String?) {
        let identity = CgroupIdentity(path: path)
        #expect(identity.subject == .container(id: Self.id), "\(path)")
        #expect(identity.runtime == runtime, "\(path)")
    }

    @Test(arguments: [
        ("/kubepods/burstable/pod\(uid)", uid),
        ("/kubepods/pod\(mirror)", mirror),
        ("/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod\(escaped).slice", uid),
        ("/kubepods.slice/kubepods-pod\(mirror).slice", mirror),
        ("/kubelet.slice/kubelet-kubepods.slice/kubelet-kubepods-besteffort.slice/kubelet-kubepods-besteffort-pod\(escaped).slice", uid),
        ("/machine.slice/machine-libpod_pod_\(id).slice", id),
        ("/libpod_parent/\(id)", id),
    ])
    func `a pod's uid is found in the paths of every driver`(path: String, uid: String) {
        #expect(CgroupIdentity(path: path).subject == .pod(uid: uid), "\(path)")
    }

    @Test(arguments: [
        ("/", CgroupIdentity.Subject.other), ("", .other), ("/system.slice/nginx.service", .other), ("/user.slice/user-1000.slice", .other),
        ("/kubepods", .other), ("/kubepods.slice/kubepods-burstable.slice", .other), ("/docker", .other), ("/docker/buildkit", .other),
        ("/system.slice/docker.service", .other), ("/docker/0123", .other), ("/kubepods/podsomething", .other),
        ("/kubepods.slice/kubepods-podX.slice", .other), ("/system.slice/docker-\(id)x.scope", .other), ("/docker/\(id.uppercased())", .other),
        ("/machine.slice/libpod-conmon-\(id).scope", .monitor), ("/machine.slice/crio-conmon-\(id).scope", .monitor),
        ("/system.slice/docker-\(id).scope/init.scope", .inside(id: id)), ("/machine.slice/libpod-\(id).scope/container", .inside(id: id)),
        ("/docker/\(id)/a/b/c", .inside(id: id)),
    ])
    func `what is no container is not taken for one`(path: String, subject: CgroupIdentity.Subject) {
        #expect(CgroupIdentity(path: path).subject == subject, "\(path)")
    }

    @Test(arguments: UInt64(1)...20) func `no path makes it fall over`(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        let parts = [
            "/", "docker", "-", Self.id, ".scope", ".slice", "pod", Self.uid, "_", "libpod_pod_", "kubepods", ":", "\u{0}", "é", "crio-", "\\x2d", "user@", ".",
        ]
        for _ in 0..<500 {
            let path = (0..<random.below(12)).map { _ in parts[random.below(parts.count)] }.joined()
            _ = CgroupIdentity(path: path)
            _ = SystemdUnit(path: path)
            _ = ProcessCgroup.path(in: "0::\(path)\n1:cpu:\(path)", id: Self.id)
            _ = OCISpec.cgroupPath(path)
        }
    }
}

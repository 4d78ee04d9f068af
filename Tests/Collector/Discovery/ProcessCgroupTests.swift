import Testing

@testable import Discovery

@Suite struct ProcessCgroupTests {
    static let id = CgroupIdentityTests.id

    @Test(
        arguments: [
            ("0::/system.slice/docker-\(id).scope\n", "/system.slice/docker-\(id).scope"),
            ("0::/system.slice/docker-\(id).scope/init.scope\n", "/system.slice/docker-\(id).scope"),
            ("0::/machine.slice/libpod-\(id).scope/container\n", "/machine.slice/libpod-\(id).scope"),
            ("12:memory:/docker/\(id)\n1:name=systemd:/docker/\(id)\n0::/\n", "/docker/\(id)"),
            // systemd's own hierarchy is not what is measured.
            ("1:name=systemd:/user.slice/\(id)\n4:memory:/docker/\(id)\n", "/docker/\(id)"),
            ("0::/a.slice/a-b.slice:cri-containerd:\(id)\n", "/a.slice/a-b.slice:cri-containerd:\(id)"),
            // The pid is somebody else's by now.
            ("0::/system.slice/ssh.service\n", nil), ("0::/docker/\(CgroupIdentityTests.other)\n", nil),
            // Outside of our cgroup namespace.
            ("0::/../docker/\(id)\n", nil), ("", nil), ("garbage", nil), ("0:x", nil),
        ] as [(String, String?)])
    func `the container's group is found by its process`(text: String, path: String?) {
        #expect(ProcessCgroup.path(in: text, id: Self.id) == path)
    }

    @Test func `an id that is a name is found whole`() {
        #expect(ProcessCgroup.path(in: "0::/default/web\n", id: "web") == "/default/web")
        #expect(ProcessCgroup.path(in: "0::/default/myweb\n", id: "web") == nil)
        #expect(ProcessCgroup.path(in: "0::/system.slice/nerdctl-web.scope\n", id: "web") == "/system.slice/nerdctl-web.scope")
    }

    @Test(
        arguments: [
            ("30 20 0:50 / / rw,relatime - overlay overlay rw,lowerdir=/l,upperdir=/var/lib/x/diff,workdir=/w\n", "/var/lib/x/diff"),
            ("30 20 0:50 / / rw shared:1 master:2 - overlay overlay rw,lowerdir=/l,upperdir=/u,workdir=/w\n", "/u"),
            ("30 20 0:50 / / rw - overlay overlay rw,lowerdir=l/A,upperdir=B/diff,workdir=B/w\n", nil),
            ("30 20 8:1 / / rw - ext4 /dev/sda1 rw\n31 20 0:50 / /x rw - overlay overlay rw,upperdir=/u\n", nil), ("", nil),
        ] as [(String, String?)])
    func `the writable layer is the root's upper directory`(text: String, path: String?) {
        #expect(ProcessCgroup.writableLayer(inMountinfo: text) == path)
    }

    @Test(
        arguments: [
            ("/kubepods/burstable/podX/abc", "/kubepods/burstable/podX/abc"),
            (
                "kubepods-burstable-podX.slice:cri-containerd:abc",
                "/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-podX.slice/cri-containerd-abc.scope"
            ),
            ("system.slice:docker:abc", "/system.slice/docker-abc.scope"), (":docker:abc", "/system.slice/docker-abc.scope"),
            ("-.slice:a:b", "/a-b.scope"), ("machine.slice:libpod:", nil), ("a:b:c", nil), ("relative/path", nil), ("", nil),
        ] as [(String, String?)])
    func `a specification's cgroup path is written out`(text: String, path: String?) {
        #expect(OCISpec.cgroupPath(text) == path)
    }
}

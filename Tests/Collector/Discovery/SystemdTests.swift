import NodeStats
import Testing

@testable import Discovery

@Suite struct SystemdTests {
    struct Row: Sendable {
        var path: String
        var name: String
        var kind: SystemdUnit.Kind
        var slice: String
        var user: UInt32?
        var session: String?
        var isOfUserManager = false
    }

    @Test(arguments: [
        Row(path: "/system.slice/nginx.service", name: "nginx.service", kind: .service, slice: "system.slice"),
        Row(path: "/init.scope", name: "init.scope", kind: .scope, slice: "-.slice"),
        Row(path: "/system.slice", name: "system.slice", kind: .slice, slice: "-.slice"),
        Row(path: "/system.slice/system-getty.slice/getty@tty1.service", name: "getty@tty1.service", kind: .service, slice: "system-getty.slice"),
        Row(path: #"/system.slice/var-lib-my\x2dapp.mount"#, name: #"var-lib-my\x2dapp.mount"#, kind: .mount, slice: "system.slice"),
        Row(path: "/user.slice/user-1000.slice", name: "user-1000.slice", kind: .slice, slice: "user.slice", user: 1000),
        Row(path: "/user.slice/user-1000.slice/session-c2.scope", name: "session-c2.scope", kind: .scope, slice: "user-1000.slice", user: 1000, session: "c2"),
        Row(path: "/user.slice/user-1000.slice/user@1000.service", name: "user@1000.service", kind: .service, slice: "user-1000.slice", user: 1000),
        Row(
            path: "/user.slice/user-1000.slice/user@1000.service/app.slice/app-editor.service", name: "app-editor.service", kind: .service,
            slice: "app.slice", user: 1000, isOfUserManager: true),
        // systemd writes `_` before names that the kernel could take for its own.
        Row(path: "/system.slice/_cpu.service", name: "cpu.service", kind: .service, slice: "system.slice"),
    ])
    func `a unit is read from its path`(row: Row) throws {
        let unit = try #require(SystemdUnit(path: row.path))
        #expect(unit.name == row.name)
        #expect(unit.kind == row.kind)
        #expect(unit.slice == row.slice)
        #expect(unit.user == row.user)
        #expect(unit.session == row.session)
        #expect(unit.isOfUserManager == row.isOfUserManager)
    }

    @Test(arguments: [
        "/", "/docker/abc", "/kubepods/burstable", "/system.slice/nginx.service/worker", "/system.slice/a.service/init.scope", "/x/y.service", "/.service",
    ])
    func `what is no unit of this machine's systemd is left alone`(path: String) {
        #expect(SystemdUnit(path: path) == nil)
    }

    @Test func `escapes are undone for people, and the name stays as systemctl takes it`() throws {
        let unit = try #require(SystemdUnit(path: #"/system.slice/dev-disk-by\x2did-\xc3\xa9.swap"#))
        #expect(unit.readableName == "dev-disk-by-id-é.swap")
        #expect(SystemdUnit.unescaped(#"a\x2"#) == #"a\x2"#)
        #expect(SystemdUnit.unescaped(#"a\xzz"#) == #"a\xzz"#)
    }

    @Test func `a runtime's scope is not named by systemd, a service is`() {
        let owner = SystemdOwner(labels: AllowList(["systemd.*"]))
        func name(_ path: String) -> String? { owner.reference(for: path, identity: CgroupIdentity(path: path))?.name }
        #expect(name("/system.slice/docker-\(CgroupIdentityTests.id).scope") == nil)
        #expect(name("/kubepods.slice/kubepods-pod\(CgroupIdentityTests.escaped).slice") == nil)
        #expect(name("/machine.slice/libpod-conmon-\(CgroupIdentityTests.id).scope") == nil)
        #expect(name("/system.slice/ssh.service") == "ssh.service")
        let session = owner.reference(
            for: "/user.slice/user-7.slice/session-1.scope", identity: CgroupIdentity(path: "/user.slice/user-7.slice/session-1.scope"))
        #expect(
            session?.containerLabels.map { "\($0.name)=\($0.value)" } == [
                "systemd.kind=scope", "systemd.session=1", "systemd.slice=user-7.slice", "systemd.user=7",
            ])
        #expect(SystemdOwner().reference(for: "/init.scope", identity: CgroupIdentity(path: "/init.scope"))?.containerLabels.isEmpty == true)
    }
}

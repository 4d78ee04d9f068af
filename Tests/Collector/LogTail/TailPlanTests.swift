import Testing

@testable import LogTail

@Suite struct TailPlanTests {
    private func listed(_ name: String, _ inode: UInt64, _ size: Int64, _ fingerprint: UInt64?) -> TailPlan.Listed {
        .init(name: name, device: 1, inode: inode, size: size, fingerprint: fingerprint)
    }
    private func followed(_ number: Int, _ name: String, _ inode: UInt64, _ fingerprint: UInt64, _ offset: Int64) -> TailPlan.Followed {
        .init(number: number, name: name, identity: .init(device: 1, inode: inode, fingerprint: fingerprint), offset: offset)
    }

    @Test func `tells what became of each file`() {
        let known = followed(1, "0.log", 10, 77, 500)
        let new = listed("0.log", 11, 5, 88)
        let rotated = listed("0.log.20260301-000000", 10, 600, 77)
        // Nothing new.
        #expect(TailPlan.actions(listed: [listed("0.log", 10, 600, 77)], followed: [known]) == [])
        // Rotated, and the new file is there.
        #expect(TailPlan.actions(listed: [new, rotated], followed: [known]) == [.follow(new), .rename(1, to: rotated.name)])
        // Rotated away and removed between two polls.
        #expect(TailPlan.actions(listed: [new], followed: [known]) == [.follow(new), .drain(1)])
        // The same inode with another text.
        let reused = listed("0.log", 10, 600, 99)
        #expect(TailPlan.actions(listed: [reused], followed: [known]) == [.forget(1), .follow(reused)])
        // Emptied in place: not to be told yet.
        #expect(TailPlan.actions(listed: [listed("0.log", 10, 0, nil)], followed: [known]) == [.forget(1)])
        // Cut in place and begun with the same text.
        #expect(TailPlan.actions(listed: [listed("0.log", 10, 100, 77)], followed: [known]) == [.restart(1, beginning: [])])
        // Not whole yet, and new.
        #expect(TailPlan.actions(listed: [listed("1.log", 12, 3, nil)], followed: []) == [])
    }

    @Test func `orders generations from the oldest to the one that is written`() {
        let names = ["1.log", "0.log.20260301-000001", "0.log", "0.log.20260228-235959.gz", "0.log.20260301-000000"]
        #expect(
            names.sorted { FileNaming.runs.parse($0)! < FileNaming.runs.parse($1)! } == [
                "0.log.20260228-235959.gz", "0.log.20260301-000000", "0.log.20260301-000001", "0.log", "1.log",
            ])
        for name in ["x.log", "0.log.tmp", "00.log", "-1.log", "0.log.20260301-000000.gz.tmp", "0.txt", ".log", "0.log."] {
            #expect(FileNaming.runs.parse(name) == nil)
        }
    }

    @Test func `orders what logrotate makes of a file`() {
        let names = FileNaming.named("app.log")
        let files = ["app.log", "app.log.1", "app.log.2.gz", "app.log.10.gz", "app.log-20261124", "app.log-20261123.gz", "app-20261122.log"]
        #expect(
            files.sorted { names.parse($0)! < names.parse($1)! } == [
                "app-20261122.log", "app.log-20261123.gz", "app.log-20261124", "app.log.10.gz", "app.log.2.gz", "app.log.1", "app.log",
            ])
        for name in ["app.log.tmp", "app.logs", "other.log", "app.log.1.gz.tmp", "app.log.", "app-new.log", "application.log"] {
            #expect(names.parse(name) == nil)
        }
    }

    @Test func `knows a file by its first line, or its first 256 bytes`() {
        #expect(FileIdentity.fingerprint(Array("unfinished".utf8)) == nil)
        #expect(FileIdentity.fingerprint([]) == nil)
        #expect(FileIdentity.fingerprint(Array("a\nb".utf8)) == FileIdentity.fingerprint(Array("a\nlonger".utf8)))
        #expect(FileIdentity.fingerprint(Array("a\n".utf8)) != FileIdentity.fingerprint(Array("b\n".utf8)))
        let long = [UInt8](repeating: 0x61, count: 256)
        #expect(FileIdentity.fingerprint(long) != nil && FileIdentity.fingerprint(long) == FileIdentity.fingerprint(long + [0x62, 0x0A]))
    }

    @Test func `reads names of directories`() {
        let directory = ContainerLogDirectory(podDirectory: "shop_api-0_0f3c-11", container: "app")
        #expect(directory?.namespace == "shop" && directory?.pod == "api-0" && directory?.uid == "0f3c-11")
        #expect(directory?.path == "shop_api-0_0f3c-11/app")
        #expect(ContainerLogDirectory(podDirectory: "two_parts", container: "app") == nil)
    }
}

import Glibc
import Runtime
import Synchronization
import TestKit

@testable import NodeStats

/// A systemd that listens on a socket in a directory of its own and answers as it was told.
final class FakeSystemd: Sendable {
    enum Manner: Sendable {
        case proper
        /// As the system's bus: wants to be greeted first.
        case bus
        case refusesUser, hangs, closesInAnswer, liesAboutLength, speaksNonsense, refusesLists
    }

    let directory = TemporaryDirectory("systemd")
    private let listener: Int32
    private let manner: Manner
    /// Members that were called, in order.
    let asked = Mutex<[String]>([])

    init(_ manner: Manner) throws {
        self.manner = manner
        let path = manner == .bus ? directory.file("run/dbus/system_bus_socket") : directory.file("run/systemd/private")
        try HostFileSystem().makeDirectory(String(path[..<path.lastIndex(of: "/")!]), mode: 0o755)
        listener = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        unsafe withUnsafeMutableBytes(of: &address.sun_path) { unsafe $0.copyBytes(from: Array(path.utf8)) }
        let code = unsafe withUnsafePointer(to: &address) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { unsafe bind(listener, $0, socklen_t(MemoryLayout<sockaddr_un>.size)) }
        }
        precondition(code == 0 && listen(listener, 8) == 0)
        let isRunning = BackgroundThread.start { [listener, weak self] in
            while true {
                let connection = accept(listener, nil, nil)
                // The thread closes its own descriptor, so that no other file gets its number while it still waits.
                guard connection >= 0 else { return _ = close(listener) }
                self?.serve(connection)
                close(connection)
            }
        }
        precondition(isRunning)
    }

    deinit { shutdown(listener, Int32(SHUT_RDWR)) }

    private func serve(_ connection: Int32) {
        guard line(connection)?.hasPrefix("\0AUTH EXTERNAL ") == true else { return }
        if manner == .hangs { return Self.sleepUntilClosed(connection) }
        if manner == .refusesUser { return write(connection, Array("REJECTED EXTERNAL\r\n".utf8)) }
        write(connection, Array("OK 0123\r\n".utf8))
        guard line(connection) == "BEGIN\r\n" else { return }
        if manner == .speaksNonsense {
            write(connection, [UInt8](repeating: 0x7A, count: 64))
            return Self.sleepUntilClosed(connection)
        }
        while let head = take(connection, 16), let length = try? BusMessage.length(head), let rest = take(connection, length - 16) {
            answer(connection, head + rest)
        }
    }

    /// What is asked is found in the bytes of the call.
    private func answer(_ connection: Int32, _ call: [UInt8]) {
        let text = String(decoding: call, as: UTF8.self)
        let serial = UInt32(call[8]) | UInt32(call[9]) << 8
        func has(_ word: String) -> Bool { text.contains(word + "\0") }
        var body = BusWriter()
        var error = ""
        func variant(_ text: String) {
            body.signature("s")
            body.string(text)
        }
        func variant(_ value: UInt32) {
            body.signature("u")
            body.number(value)
        }
        if has("Hello") {
            body.string(":1.7")
        } else if has("SystemState") {
            variant("degraded")
        } else if has("Version") {
            variant("252.39-1~deb12u1")
        } else if has("NAccepted") {
            variant(UInt32(7))
        } else if has("NConnections") {
            variant(UInt32(2))
        } else if has("NRefused") {
            error = "org.freedesktop.DBus.Error.UnknownProperty"
        } else if has("LastTriggerUSec") {
            body.signature("t")
            body.align(8)
            body.number(1_000_000)
            body.number(0)
        } else if has("Type") {
            variant(text.contains("web_2eservice") ? "notify" : "oneshot")
        } else if has("ListUnits") {
            if manner == .refusesLists { error = "org.freedesktop.DBus.Error.AccessDenied" } else { units(&body) }
        }
        asked.withLock { $0.append(has("Hello") ? "Hello" : has("ListUnits") ? "ListUnits" : has("Get") ? "Get" : "?") }
        if manner == .bus, !has("Hello"), !text.contains("org.freedesktop.systemd1\0") { error = "no destination" }
        send(connection, serial, error, error.isEmpty ? body.bytes : [])
    }

    static let units: [(name: String, load: String, active: String, path: String)] = [
        ("web.service", "loaded", "active", "web_2eservice"), ("batch.service", "loaded", "failed", "batch_2eservice"),
        ("gone.service", "not-found", "inactive", "gone_2eservice"), ("ssh.socket", "loaded", "active", "ssh_2esocket"),
        ("apt.timer", "loaded", "active", "apt_2etimer"), ("-.mount", "loaded", "active", "_2d_2emount"),
    ]

    private func units(_ body: inout BusWriter) {
        var list = BusWriter()
        for unit in Self.units {
            list.align(8)
            for text in [unit.name, "described", unit.load, unit.active, "sub", ""] { list.string(text) }
            list.string("/org/freedesktop/systemd1/unit/" + unit.path)
            list.number(0)
            list.string("")
            list.string("/")
        }
        body.number(UInt32(list.bytes.count))
        body.align(8)
        body.bytes += list.bytes
    }

    private func send(_ connection: Int32, _ serial: UInt32, _ error: String, _ body: [UInt8]) {
        var head = BusWriter()
        head.bytes = [UInt8(ascii: "l"), error.isEmpty ? 2 : 3, 1, 1]
        head.number(manner == .liesAboutLength && body.count > 100 ? UInt32.max : UInt32(body.count))
        head.number(1000 + serial)
        head.number(0)
        head.align(8)
        head.bytes.append(5)
        head.signature("u")
        head.number(serial)
        if !error.isEmpty { head.field(4, "s", error) }
        let fields = UInt32(head.bytes.count - 16)
        for position in 0..<4 { head.bytes[12 + position] = UInt8(truncatingIfNeeded: fields >> (8 * UInt32(position))) }
        head.align(8)
        let whole = head.bytes + body
        if manner == .closesInAnswer, body.count > 100 {
            write(connection, Array(whole.prefix(60)))
            shutdown(connection, Int32(SHUT_RDWR))
        } else {
            write(connection, whole)
        }
    }

    // MARK: - Bytes

    private func write(_ connection: Int32, _ bytes: [UInt8]) {
        _ = unsafe bytes.withUnsafeBytes { unsafe Glibc.send(connection, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
    }
    private func take(_ connection: Int32, _ count: Int) -> [UInt8]? {
        var all: [UInt8] = []
        while all.count < count {
            var byte = [UInt8](repeating: 0, count: count - all.count)
            let got = unsafe byte.withUnsafeMutableBytes { unsafe recv(connection, $0.baseAddress, $0.count, 0) }
            guard got > 0 else { return nil }
            all += byte[..<got]
        }
        return all
    }
    private func line(_ connection: Int32) -> String? {
        var all: [UInt8] = []
        while all.last != UInt8(ascii: "\n") {
            guard let next = take(connection, 1), all.count < 200 else { return nil }
            all += next
        }
        return String(decoding: all, as: UTF8.self)
    }
    private static func sleepUntilClosed(_ connection: Int32) {
        var byte: UInt8 = 0
        while unsafe recv(connection, &byte, 1, 0) > 0 {}
    }
}

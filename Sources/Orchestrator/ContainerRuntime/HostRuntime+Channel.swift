import CShims
import Glibc
import JSON
import Runtime

/// The sockets to the supervisors: requests, answers, events.
extension HostRuntime {
    /// Connects to the sandbox's supervisor. False if there is none.
    func connect(_ id: String) -> Bool {
        let channel = unsafe binnacle_connect(directory(id), "control.sock")
        guard channel >= 0 else { return false }
        sandboxesByID[id]?.channel = channel
        sandboxOfChannel[channel] = id
        reactor.watch(channel)
        return true
    }

    /// Closes the socket and answers all who wait on it.
    func disconnect(_ id: String) {
        guard let channel = sandboxesByID[id]?.channel, channel >= 0 else { return }
        sandboxesByID[id]?.channel = -1
        sandboxOfChannel[channel] = nil
        close(channel)
        for (key, request) in pending where request.sandbox == id {
            pending[key] = nil
            request.continuation.resume(returning: .failure(.failed("the sandbox \(id.prefix(12)) ended before it answered")))
        }
    }

    /// Sends a request and waits for its answer.
    func ask(_ id: String, _ message: Message, atMost limit: Duration = .seconds(30)) async throws(RuntimeError) -> Message {
        guard let channel = sandboxesByID[id]?.channel, channel >= 0 else { throw .failed("the sandbox \(id.prefix(12)) has no supervisor any more") }
        sequence += 1
        let key = sequence
        var message = message
        message.put("seq", key)
        let timer = Task { [weak self] in
            try? await Task.sleep(for: limit)
            if !Task.isCancelled { await self?.giveUp(key) }
        }
        defer { timer.cancel() }
        let bytes = message.framed
        let answer: Answer = await withCheckedContinuation { continuation in
            pending[key] = (id, continuation)
            if !send(bytes, to: channel) { giveUp(key) }
        }
        return try answer.get()
    }

    private func giveUp(_ key: Int64) {
        pending.removeValue(forKey: key)?.continuation.resume(returning: .failure(.failed("the sandbox's supervisor did not answer in time")))
    }

    func send(_ bytes: [UInt8], to channel: Int32) -> Bool {
        var done = 0
        while done < bytes.count {
            let sent = unsafe bytes.withUnsafeBytes {
                unsafe Glibc.send(channel, $0.baseAddress! + done, $0.count - done, Int32(MSG_NOSIGNAL))
            }
            if sent > 0 {
                done += sent
            } else if errno == EAGAIN {
                // Supervisors always read; a full buffer is a large environment on its way.
                var waiting = pollfd(fd: channel, events: Int16(POLLOUT), revents: 0)
                if unsafe poll(&waiting, 1, 1000) <= 0 { return false }
            } else if errno != EINTR {
                return false
            }
        }
        return true
    }

    /// Called on the runtime's thread when a supervisor's socket can be read.
    func read(_ channel: Int32) {
        guard let id = sandboxOfChannel[channel] else { return }
        var chunk = [UInt8](repeating: 0, count: 16_384)
        while true {
            let got = unsafe Glibc.read(channel, &chunk, chunk.count)
            if got > 0 {
                sandboxesByID[id]?.received += chunk[..<got]
                continue
            }
            if got < 0, errno == EINTR { continue }
            // What came before the end counts.
            guard let messages = sandboxesByID[id].map({ _ in takeMessages(id) }) ?? [] else { return lost(id) }
            for message in messages { handle(message, from: id) }
            if got == 0 || errno != EAGAIN { lost(id) }
            return
        }
    }

    private func takeMessages(_ id: String) -> [Message]? {
        guard var buffer = sandboxesByID[id]?.received else { return [] }
        sandboxesByID[id]?.received = []
        let messages = Message.take(from: &buffer)
        sandboxesByID[id]?.received = buffer
        return messages
    }

    private func handle(_ message: Message, from id: String) {
        switch message["event"] {
        case "exit": if let container = message["id"] { recordExit(container, in: id, message) }
        case "lost": markLost(id)
        default:
            guard let key = message.number("seq"), let request = pending.removeValue(forKey: key) else { return }
            if let problem = message["error"] {
                request.continuation.resume(returning: .failure(.failed(problem)))
            } else {
                request.continuation.resume(returning: .success(message))
            }
        }
    }

    private func markLost(_ id: String) {
        guard sandboxesByID[id]?.status.isReady == true else { return }
        sandboxesByID[id]?.status.isReady = false
        hub.send(.sandboxLost(sandbox: id))
    }

    /// The supervisor is gone. What it ran is killed, since nobody could tell its end any more, and counts as killed.
    private func lost(_ id: String) {
        disconnect(id)
        guard let sandbox = sandboxesByID[id] else { return }
        for container in sandbox.containers.values where container.status.state == .running {
            let record = (try? files.read("\(directory(id))/containers/\(container.status.id)/exit")).map(Message.init(bytes:))
            cgroups.remove(container.status.cgroupPath)
            recordExit(container.status.id, in: id, record ?? Message([("code", "137"), ("signal", "9"), ("finished", "\(clock.nanoseconds)")]))
        }
        markLost(id)
        ended(id)
    }

    /// Turns an exit record into the container's final state, keeps it, and tells everyone.
    func recordExit(_ container: String, in id: String, _ record: Message) {
        guard var status = sandboxesByID[id]?.containers[container]?.status, status.state == .running else { return }
        let code = Int(record.number("code") ?? 137)
        let signal = record.number("signal").flatMap { $0 > 0 ? Int($0) : nil }
        let kills = cgroups.memoryKills(status.cgroupPath)
        let outOfMemory = signal == Int(SIGKILL) && kills > (sandboxesByID[id]?.containers[container]?.killsBefore ?? 0)
        if let pid = record.number("pid") { status.pid = Int32(truncatingIfNeeded: pid) }
        if let started = record.number("started") { status.started = started }
        status.state = .exited(
            .init(
                code: code, signal: signal, outOfMemory: outOfMemory, finished: record.number("finished") ?? clock.nanoseconds,
                message: terminationMessage(id, container)))
        sandboxesByID[id]?.containers[container]?.status = status
        if let lost = record.number("lost"), lost > 0 {
            configuration.metrics.counter("binnacle_runtime_log_lines_lost_total", "Lines of containers' output that could not be written to their log.")
                .increment(by: UInt64(lost))
        }
        save(status)
        cgroups.remove(status.cgroupPath)
        ended(container)
        hub.send(.containerExited(sandbox: id, container: container))
    }

    /// The first 4096 bytes of the file where the program may leave its last words.
    private func terminationMessage(_ id: String, _ container: String) -> String {
        guard let file = try? files.open("\(directory(id))/containers/\(container)/termination-log"),
            let bytes = try? file.read(at: 0, count: 4096)
        else { return "" }
        return String(decoding: bytes, as: UTF8.self)
    }

    func directory(_ id: String) -> String { "\(configuration.stateDirectory)/sandboxes/\(id)" }

    func save(_ status: ContainerStatus) {
        saveRecord("\(directory(status.sandboxID))/containers/\(status.id)/container.json", status.json)
    }

    /// Whole or not at all, but not synced: after a loss of power none of it runs any more.
    func saveRecord(_ path: String, _ json: JSON) {
        do {
            try files.write("\(path).tmp", json.bytes())
            try files.rename("\(path).tmp", to: path)
        } catch {
            // The sandbox runs; only a Binnacle that restarts would miss the record, and clean up.
            configuration.metrics.counter("binnacle_runtime_record_failures_total", "Records of sandboxes that could not be written.").increment()
        }
    }
}

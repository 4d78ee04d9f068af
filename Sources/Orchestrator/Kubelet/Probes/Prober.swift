import ContainerRuntime
import JSON

/// Carries out one probe or one lifecycle hook; decides nothing.
struct Prober: Sendable {
    let runtime: any ContainerRuntime
    let transport: any ProbeTransport

    func probe(_ spec: ProbeSpec, container: ContainerSpec, id: String, address: String) async -> ProbeOutcome {
        let timeout = Duration.seconds(spec.timeoutSeconds)
        switch spec.action {
        case .exec(let command): return await execute(command, id: id, timeout: timeout)
        case .httpGet(let action): return await get(action, container: container, address: address, timeout: timeout)
        case .tcpSocket(let action):
            guard let port = container.port(action["port"]) else { return .unknown("couldn't find port: \(action["port"])") }
            return await transport.tcpConnect(host: host(action, address), port: port, timeout: timeout)
        case .unsupported(let what): return .unknown("\(what) probes are not supported by this kubelet; use exec, httpGet or tcpSocket")
        }
    }

    /// Nil if all went well, otherwise why not.
    func hook(_ hook: JSON, container: ContainerSpec, id: String, address: String, timeout: Duration, time: any Timekeeper) async -> String? {
        if let seconds = hook["sleep"]["seconds"].int {
            let wait = min(Duration.seconds(seconds), timeout)
            return (try? await time.sleep(wait)) == nil ? "interrupted" : nil
        }
        let outcome: ProbeOutcome
        if hook["exec"].object != nil {
            outcome = await execute(hook["exec"]["command"].elements.compactMap(\.string), id: id, timeout: timeout)
        } else if hook["httpGet"].object != nil {
            outcome = await get(hook["httpGet"], container: container, address: address, timeout: timeout)
        } else if hook["tcpSocket"].object != nil {
            // Kept for old manifests; Kubernetes does nothing for it either.
            outcome = .success
        } else {
            outcome = .success
        }
        switch outcome {
        case .success: return nil
        case .failure(let problem), .unknown(let problem): return problem
        }
    }

    private func execute(_ command: [String], id: String, timeout: Duration) async -> ProbeOutcome {
        do throws(RuntimeError) {
            let result = try await runtime.execute(container: id, command: command, timeout: timeout)
            if result.timedOut { return .failure("command \"\(command.joined(separator: " "))\" timed out after \(timeout.goText)") }
            return result.exitCode == 0 ? .success : .failure(String(decoding: result.output.prefix(10 << 10), as: UTF8.self))
        } catch {
            // A command that cannot be started says that the container is not well; a lost container says nothing.
            if case .start(let problem) = error { return .failure(problem) }
            return .unknown(error.description)
        }
    }

    private func get(_ action: JSON, container: ContainerSpec, address: String, timeout: Duration) async -> ProbeOutcome {
        guard let port = container.port(action["port"]) else { return .unknown("couldn't find port: \(action["port"])") }
        var headers = action["httpHeaders"].elements.compactMap { header in
            header["name"].string.map { (name: $0, value: header["value"].string ?? "") }
        }
        if !headers.contains(where: { $0.name.lowercased() == "user-agent" }) { headers.append((name: "User-Agent", value: "kube-probe/1.33")) }
        if !headers.contains(where: { $0.name.lowercased() == "accept" }) { headers.append((name: "Accept", value: "*/*")) }
        let path = action["path"].string ?? "/"
        return await transport.httpGet(
            host: host(action, address), port: port, path: path.hasPrefix("/") ? path : "/\(path)", scheme: (action["scheme"].string ?? "HTTP").lowercased(),
            headers: headers, timeout: timeout)
    }

    private func host(_ action: JSON, _ address: String) -> String {
        guard let host = action["host"].string, !host.isEmpty else { return address }
        return host
    }
}

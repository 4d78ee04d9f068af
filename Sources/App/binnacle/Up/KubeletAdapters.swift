import APIServer
import ContainerRuntime
import Controllers
import Exposition
import HTTP
import JSON
import Kubelet
import NodeEndpoint
import NodeStats
import Objects
import Runtime
import ServiceProxy
import Serving

/// The kubelet's pods as the Collector sees containers.
struct KubeletContainers: ContainerSource {
    let kubelet: KubeletService
    /// Where the runtime keeps writable layers; nil where containers have none.
    let layerDirectory: (@Sendable (_ sandbox: String, _ container: String) -> String)?

    func containers() async -> [ContainerReference] {
        await kubelet.runningPods().flatMap { pod -> [ContainerReference] in
            var row = ContainerReference(cgroupPath: pod.cgroupPath)
            row.pod = pod.name
            row.namespace = pod.namespace
            row.podUID = pod.uid
            row.networkPID = pod.sandboxPID
            row.sharesNodeNetwork = pod.usesHostNetwork
            row.started = pod.started
            let containers = pod.containers.filter(\.isRunning).map { container -> ContainerReference in
                var reference = ContainerReference(cgroupPath: container.cgroupPath)
                reference.name = container.id
                reference.image = container.image
                reference.container = container.name
                reference.pod = pod.name
                reference.namespace = pod.namespace
                reference.podUID = pod.uid
                reference.started = container.started
                if let slash = container.logPath.lastIndex(of: "/") { reference.logDirectory = String(container.logPath[..<slash]) }
                reference.writableLayer = layerDirectory?(pod.sandboxID, container.id) ?? ""
                return reference
            }
            return [row] + containers
        }
    }
}

/// `/pods` and `/metrics/probes`.
struct KubeletPods: PodSource {
    let kubelet: KubeletService
    func podList() async -> JSON { await kubelet.podList() }
    func probeMetrics() async -> [MetricFamily] { kubelet.probeMetrics.collect() }
}

/// `kubectl logs`: the kubelet reads the files.
struct KubeletLogs: PodLogSource {
    /// The API server is made before the kubelet, whose client it is.
    let kubelet: LockedValue<KubeletService?>

    func open(pod: JSON, options: PodLogOptions) async throws(StatusError) -> @Sendable (any HTTPBodyWriter) async throws -> Void {
        guard let kubelet = kubelet.get() else { throw StatusError(.serviceUnavailable, "the kubelet has not started yet; try again in a moment") }
        var read = LogOptions(follow: options.follow, previous: options.previous, timestamps: options.timestamps, tailLines: options.tailLines)
        read.limitBytes = options.limitBytes
        if let seconds = options.sinceSeconds { read.since = SystemClock().nanoseconds - Int64(seconds) * 1_000_000_000 }
        if let time = options.sinceTime { read.since = time * 1_000_000_000 }
        let (namespace, name) = (pod.namespace, pod.metadataName)
        // What cannot be read is said before the first byte, as a status.
        do {
            try await kubelet.checkLog(namespace: namespace, pod: name, container: options.container, previous: options.previous)
        } catch let error as StatusError {
            throw error
        } catch {
            throw StatusError(.internalError, "\(error)")
        }
        return { [read] writer in
            try await kubelet.logs(namespace: namespace, pod: name, container: options.container, options: read, writer: writer)
        }
    }
}

/// Probes and lifecycle hooks over our own client.
struct NetworkProbes: ProbeTransport {
    func httpGet(
        host: String, port: Int, path: String, scheme: String, headers: [(name: String, value: String)], timeout: Duration
    ) async -> ProbeOutcome {
        var address = HTTPAddress(isTLS: scheme.lowercased() == "https", host: host, port: port, target: path.hasPrefix("/") ? path : "/" + path)
        var fields: HTTPFields = [:]
        for (name, value) in headers { fields.add(name, value) }
        if fields["User-Agent"] == nil { fields.add("User-Agent", "kube-probe/1.33") }
        if fields["Accept"] == nil { fields.add("Accept", "*/*") }
        var client = HTTPClient()
        client.maximumBodyBytes = 10 << 10
        // Redirects within the same host are followed, as the kubelet does; more than ten is a loop.
        for _ in 0..<10 {
            do {
                let answer = try await client.send("GET", address, fields: fields, timeout: timeout)
                guard (300..<400).contains(answer.status), let location = answer.fields["Location"] else { return .http(status: answer.status) }
                if location.hasPrefix("/") {
                    address.target = location
                } else if let next = HTTPAddress(location), next.host == address.host {
                    address = next
                } else {
                    return .success
                }
            } catch ServingError.timedOut {
                return .failure(
                    "Get \"\(scheme.lowercased())://\(host):\(port)\(address.target)\": context deadline exceeded (Client.Timeout exceeded while awaiting headers)"
                )
            } catch ServingError.unreachable {
                return .failure(
                    "Get \"\(scheme.lowercased())://\(host):\(port)\(address.target)\": dial tcp \(host):\(port): connect: connection refused")
            } catch {
                return .failure("Get \"\(scheme.lowercased())://\(host):\(port)\(address.target)\": \(error)")
            }
        }
        return .failure("Get \"\(scheme.lowercased())://\(host):\(port)\(path)\": stopped after 10 redirects")
    }

    func tcpConnect(host: String, port: Int, timeout: Duration) async -> ProbeOutcome {
        await TCPDial.problem(host: host, port: port, timeout: timeout).map { .failure($0) } ?? .success
    }
}

/// Controllers' and the proxy's events through the recorder that counts repeats.
struct RecorderEvents: EventSink, ProxyEventSink {
    let recorder: EventRecorder
    func record(_ object: JSON, type: String, reason: String, message: String) {
        recorder.record(object, type == "Warning" ? .warning : .normal, reason, message)
    }
}

extension LocalClient: NamespaceFinalizing {
    public func finalize(namespace: JSON) async throws(StatusError) { try await finalize(namespace: namespace.metadataName) }
}

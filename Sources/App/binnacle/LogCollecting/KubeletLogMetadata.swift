import JSON
import Kubelet
import LogTail
import Runtime
import Synchronization
import Telemetry

/// The kubelet's pods as the log tailer asks for them: from memory, by uid.
final class KubeletLogMetadata: LogMetadataSource {
    private let kubelet: KubeletService
    private let pods = Mutex<[String: LogMetadata]>([:])
    private let requests: AsyncStream<Void>
    private let request: AsyncStream<Void>.Continuation

    init(kubelet: KubeletService) {
        self.kubelet = kubelet
        (requests, request) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
    }

    func metadata(namespace: String, pod: String, uid: String, container: String) -> LogMetadata? {
        let found = pods.withLock { $0[uid] }
        // A new pod: its lines wait for this.
        if found == nil { request.yield() }
        return found
    }

    /// Keeps them fresh until it is cancelled: at once when a pod is not known, and every other second for annotations that change.
    func run() async {
        await withDiscardingTaskGroup { group in
            group.addTask { [request] in
                while !Task.isCancelled {
                    request.yield()
                    try? await Task.sleep(for: .seconds(2))
                }
            }
            for await _ in requests {
                await refresh()
                try? await Task.sleep(for: .milliseconds(100))
            }
            group.cancelAll()
        }
    }

    private func refresh() async {
        var present: [String: LogMetadata] = [:]
        for pod in await kubelet.podList()["items"].elements {
            let metadata = pod["metadata"]
            guard let uid = metadata["uid"].string else { continue }
            present[uid] = Self.metadata(labels: metadata["labels"].stringMap, annotations: metadata["annotations"].stringMap)
        }
        pods.withLock { $0 = present }
    }

    static func metadata(labels: [String: String], annotations: [String: String]) -> LogMetadata {
        let app = labels["app.kubernetes.io/name"] ?? labels["app"] ?? labels["k8s-app"]
        return LogMetadata(labels: app.map { ["app": $0] } ?? [:], annotations: LogTailConfiguration.settings(annotations))
    }
}

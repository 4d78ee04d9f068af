import Kubelet
import LogTail
import Runtime
import ServiceLifecycle

/// What `up` collects: its own pods' lines, and what its file names.
struct UpLogs {
    let metadata: KubeletLogMetadata
    let logs: NodeLogs

    /// - Parameter configuration: read before anything was started, so that a wrong file starts nothing.
    init(
        _ settings: Settings, _ configuration: LogTailConfiguration, _ directory: DataDirectory, kubelet: KubeletService, sink: any LogSink,
        registry: MetricRegistry
    ) throws {
        metadata = KubeletLogMetadata(kubelet: kubelet)
        var options = NodeLogs.Options(directory: directory.tail, node: settings.nodeName)
        options.podRoot = directory.podLogs
        options.configuration = configuration
        options.metadata = metadata
        options.maximumOpenFiles = LogsFile.openFiles
        logs = try NodeLogs(options, sink: sink, metrics: registry)
    }

    /// To be stopped after the kubelet's pods.
    var parts: [any Service] {
        [
            Part(name: "log metadata", body: { await metadata.run() }),
            // The last lines of pods that have just stopped.
            Part(name: "log tailer", body: { await logs.run() }, onStop: { await logs.drain() }),
        ]
    }
}

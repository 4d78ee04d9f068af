import APIServer
import Exposition
import HTTP
import JSON
import Objects
import Runtime
import Scraping
import SeriesStore
import Serving
import Telemetry

/// Scrapes over the program's HTTP client.
struct NetworkScrapes: ScrapeTransport {
    func get(_ request: ScrapeRequest) async throws -> ScrapeAnswer {
        guard let address = HTTPAddress(request.url) else { throw ScrapeFailure.transport("\(request.url) is no http or https address") }
        var client = HTTPClient()
        // One more than is allowed, so that a page that is cut off is told from one that just fits.
        client.maximumBodyBytes = request.bodyBytesLimit + 1
        if address.isTLS { try secure(&client, request.tls) }
        let answer = try await client.send("GET", address, fields: request.fields, timeout: request.timeout)
        guard answer.body.count <= request.bodyBytesLimit else { throw ScrapeFailure.bodyTooLarge(limit: request.bodyBytesLimit) }
        return ScrapeAnswer(status: answer.status, fields: answer.fields, body: answer.body)
    }

    private func secure(_ client: inout HTTPClient, _ tls: ScrapeConfiguration.TLS) throws {
        let files = HostFileSystem()
        if tls.skipsVerification {
            client.trust = .anyone
        } else {
            client.trust = .hosts(try files.text(tls.authorityFile ?? "/etc/ssl/certs/ca-certificates.crt"))
        }
        client.serverName = tls.serverName
        if let certificate = tls.certificateFile, let key = tls.keyFile {
            client.identity = KeyPair(certificate: try files.text(certificate), privateKey: try files.text(key))
        }
    }
}

/// What was scraped into the series store.
struct StoredScrapes: ScrapeSink {
    let store: SeriesStore

    func append(_ result: ScrapeResult) async throws {
        try await store.append([result.frame])
        guard !result.timed.isEmpty || !result.exemplars.isEmpty || !result.histograms.isEmpty || !result.metadata.isEmpty else { return }
        var batches = result.timed.map { series in
            SeriesBatch(labels: series.labels, samples: zip(series.timestamps, series.values).map { .init($0, $1) })
        }
        for exemplar in result.exemplars {
            let kept = SeriesBatch.Exemplar(labels: exemplar.labels, timestamp: exemplar.timestamp, value: exemplar.value)
            batches.append(SeriesBatch(labels: exemplar.series, samples: [], exemplars: [kept]))
        }
        for histogram in result.histograms {
            batches.append(
                SeriesBatch(
                    labels: histogram.series, samples: [], histograms: [.init(timestamp: histogram.timestamp, encoded: histogram.histogram.encoded)]))
        }
        let metadata = result.metadata.map { MetricMetadata(metric: $0.metric, type: $0.type, help: $0.help, unit: $0.unit) }
        try await store.write(batches, metadata: metadata)
    }
}

/// The cluster's pods and services as scraping's discovery sees them.
struct ClusterTargets: AnnotatedSource {
    let client: any ObjectClient

    func objects(_ role: ScrapeConfiguration.Role) async -> [AnnotatedObject] {
        let resource: Resource = role == .pod ? .pods : .services
        let list = try? await client.list(resource, namespace: nil, labelSelector: nil, fieldSelector: nil)
        return (list?.items ?? []).compactMap { role == .pod ? ClusterTargets.pod($0) : ClusterTargets.service($0) }
    }

    private static func common(_ object: JSON, address: String) -> AnnotatedObject {
        let metadata = object["metadata"]
        var result = AnnotatedObject(name: metadata["name"].string ?? "", namespace: metadata["namespace"].string ?? "", address: address)
        result.uid = metadata["uid"].string ?? ""
        result.labels = metadata["labels"].stringMap
        result.annotations = metadata["annotations"].stringMap
        return result
    }

    private static func pod(_ object: JSON) -> AnnotatedObject? {
        var pod = common(object, address: object["status"]["podIP"].string ?? "")
        pod.node = object["spec"]["nodeName"].string ?? ""
        pod.phase = object["status"]["phase"].string ?? ""
        pod.isReady = object["status"]["conditions"].elements.contains { $0["type"] == "Ready" && $0["status"] == "True" }
        if let owner = object["metadata"]["ownerReferences"].elements.first(where: { $0["controller"].bool == true }) {
            pod.controllerKind = owner["kind"].string ?? ""
            pod.controllerName = owner["name"].string ?? ""
        }
        for container in object["spec"]["containers"].elements {
            for port in container["ports"].elements {
                pod.ports.append(
                    .init(
                        container: container["name"].string ?? "", name: port["name"].string ?? "", number: port["containerPort"].int ?? 0,
                        networkProtocol: port["protocol"].string ?? "TCP"))
            }
        }
        return pod
    }

    /// By its virtual address: the cluster's names are not known to this process. One without an address is left out.
    private static func service(_ object: JSON) -> AnnotatedObject? {
        let address = object["spec"]["clusterIP"].string ?? ""
        guard address != "None" else { return nil }
        var service = common(object, address: address)
        for port in object["spec"]["ports"].elements {
            service.ports.append(.init(name: port["name"].string ?? "", number: port["port"].int ?? 0, networkProtocol: port["protocol"].string ?? "TCP"))
        }
        return service
    }
}

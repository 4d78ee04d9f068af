import HTTP
import Ingest
import LogStore
import QueryAPI
import Runtime

/// The interfaces that find log lines, on the query port and on the port where lines come in.
struct LogSearches {
    private let archive: LogArchive
    /// What all of them read, within one bound.
    private let source: BoundedLogSource
    private let loki: LokiAPI
    private let elastic: ElasticAPI

    init(_ archive: LogArchive, _ settings: Settings, clock: any WallClock, registry: MetricRegistry) {
        self.archive = archive
        source = BoundedLogSource(archive, metrics: registry)
        // Nothing is written by the query port unless a person said so.
        let isOpen = settings.store.enableAdminAPI
        let access = LogDeletionAccess(StoredLogDeletion(archive)) { _ in
            isOpen
                ? nil
                : "this port only reads: ask port \(settings.ingestPort) here, with the token that is in admin.json of the data directory, "
                    + "or start Binnacle with --enable-admin-api"
        }
        loki = LokiAPI(source: source, feed: archive, deletion: access, clock: clock, metrics: registry)
        elastic = ElasticAPI(source: source, deletion: access, clock: clock, metrics: registry)
    }

    /// Where everything is asked.
    func register(on router: inout HTTPRouter) {
        let archive = archive
        LogsAPI(source: source, feed: archive) { archive.now }.register(on: &router)
        loki.register(on: &router)
        elastic.register(on: &router, under: "/elastic")
    }

    /// Clients that know one address search where they write. They read freely, and delete with the token.
    ///
    /// - Parameter ingest: what is known there of indices.
    func register(besideIngest router: inout HTTPRouter, _ ingest: LogIngestAPI, _ access: AdminAccess) {
        let deletion = LogDeletionAccess(StoredLogDeletion(archive)) { request in
            access.accepts(request.fields["Authorization"])
                ? nil : "deleting needs the token that is in admin.json of the data directory, which its owner can read (Authorization: Bearer TOKEN)"
        }
        loki.deleting(deletion).register(on: &router)
        let cluster = ingest.elastic.cluster
        let beside = elastic.besideIngest(deleting: deletion) { cluster.indices }
        for prefix in ["", "/elastic", "/insert/elasticsearch"] { beside.register(on: &router, under: prefix) }
    }
}

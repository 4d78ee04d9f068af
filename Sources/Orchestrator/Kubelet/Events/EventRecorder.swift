import JSON
import Objects
import Runtime
import Synchronization

/// Writes events to the API in the background, repeats counted in one object.
///
/// `record` never waits; `run` is the whole life of the part that writes.
public final class EventRecorder: Sendable {
    /// Events that wait to be written; what comes on top is dropped and counted.
    public static let queueLimit = 1000

    private let client: any ObjectClient
    private let component: String
    private let host: String
    private let time: any WallClock
    private let queue: AsyncStream<ClusterEvent>
    private let input: AsyncStream<ClusterEvent>.Continuation
    private let dropped: Counter
    private let spared: Counter
    private let failed: Counter

    /// - Parameters:
    ///   - component: `kubelet`: what `kubectl describe` shows in the column From.
    ///   - host: the node's name; empty for a part that belongs to no node.
    public init(client: any ObjectClient, component: String, host: String = "", time: any WallClock = SystemClock(), metrics: MetricRegistry) {
        self.client = client
        self.component = component
        self.host = host
        self.time = time
        (queue, input) = AsyncStream.makeStream(bufferingPolicy: .bufferingOldest(Self.queueLimit))
        let labels = ["component": component]
        dropped = metrics.counter("binnacle_events_dropped_total", "Events that were lost because the queue was full.", labels)
        spared = metrics.counter("binnacle_events_spared_total", "Events that the spam filter held back.", labels)
        failed = metrics.counter("binnacle_events_failed_total", "Events that the API server did not take.", labels)
    }

    /// - Parameter object: a whole object or a reference to one (`involvedObject`).
    public func record(_ object: JSON, _ kind: ClusterEvent.Kind, _ reason: String, _ message: String, fieldPath: String? = nil) {
        let reference = Self.reference(object, fieldPath: fieldPath)
        let event = ClusterEvent(object: reference, kind: kind, reason: reason, message: message, time: time.nanoseconds)
        if case .dropped = input.yield(event) { dropped.increment() }
    }

    /// Writes until the task is cancelled, and then what is still queued.
    public func run() async {
        var correlator = EventCorrelator()
        var lastStamp: Int64 = 0
        // The objects of events that may be counted up, newest version.
        var written = RecentlyUsed<EventCorrelator.Key, JSON>(capacity: EventCorrelator.capacity)
        await withTaskCancellationHandler {
            for await event in queue {
                switch correlator.decide(event) {
                case .drop: spared.increment()
                case .create(let message, let key): written[key] = await create(event, message, &lastStamp)
                case .count(let message, let key):
                    if let old = written[key] {
                        written[key] = await count(old, event, message, &lastStamp)
                    } else {
                        written[key] = await create(event, message, &lastStamp)
                    }
                }
            }
        } onCancel: {
            input.finish()
        }
    }

    private func create(_ event: ClusterEvent, _ message: String, _ lastStamp: inout Int64) async -> JSON? {
        // Names are made of times: two events of one moment must not share one.
        lastStamp = max(lastStamp + 1, event.time)
        let moment = JSON.string(RFC3339.format(event.time.wholeSeconds))
        let namespace = event.object["namespace"].string ?? "default"
        let name = "\(event.object["name"].string ?? "").\(String(UInt64(bitPattern: lastStamp), radix: 16))"
        let object: JSON = [
            "apiVersion": "v1", "kind": "Event",
            "metadata": ["name": .string(name), "namespace": .string(namespace)],
            "involvedObject": event.object, "reason": .string(event.reason), "message": .string(message),
            "source": host.isEmpty ? ["component": .string(component)] : ["component": .string(component), "host": .string(host)],
            "firstTimestamp": moment, "lastTimestamp": moment, "count": 1, "type": .string(event.kind.rawValue),
            "reportingComponent": .string(component), "reportingInstance": .string(host), "eventTime": .null,
        ]
        do throws(StatusError) {
            return try await client.create(.events, namespace: namespace, object)
        } catch {
            // An event is help, not state: its loss is counted, the work goes on.
            failed.increment()
            return nil
        }
    }

    private func count(_ old: JSON, _ event: ClusterEvent, _ message: String, _ lastStamp: inout Int64) async -> JSON? {
        var object = old
        for _ in 0..<3 {
            object["count"] = JSON((object["count"].int ?? 1) + 1)
            object["lastTimestamp"] = .string(RFC3339.format(event.time.wholeSeconds))
            object["message"] = .string(message)
            do throws(StatusError) {
                return try await client.update(.events, namespace: object.namespace, object)
            } catch {
                switch error.reason {
                case .conflict:
                    guard let newer = try? await client.get(.events, namespace: object.namespace, name: object.metadataName) else { return nil }
                    object = newer
                case .notFound: return await create(event, message, &lastStamp)
                default:
                    failed.increment()
                    return old
                }
            }
        }
        failed.increment()
        return old
    }

    private static func reference(_ object: JSON, fieldPath: String?) -> JSON {
        guard object["metadata"].object != nil else {
            var reference = object
            if let fieldPath { reference["fieldPath"] = .string(fieldPath) }
            return reference
        }
        var reference = object.objectReference(fieldPath: fieldPath)
        // Two events about two versions of an object are about the same object.
        reference.remove("resourceVersion")
        return reference
    }
}

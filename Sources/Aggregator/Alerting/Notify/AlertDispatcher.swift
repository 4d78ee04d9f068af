import HTTP
import JSON
import Logging
import Runtime
import Telemetry

/// Sends one body over HTTP; App plugs the client in.
public protocol AlertPoster: Sendable {
    /// The answer's status; throws where there is none. `url` is http:// or https://.
    func post(_ url: String, body: [UInt8], contentType: String) async throws -> Int
}

/// Tells people by other ways than HTTP; App plugs mail and programs in.
public protocol AlertMessenger: Sendable {
    func mail(_ word: Notification, to email: Receiver.Email, policy: NotificationPolicy) async throws
    func run(_ command: [String], input: [UInt8]) async throws
}

/// Takes alerts from the rules and tells Alertmanagers and receivers, with retries, no receiver waiting for another.
public actor AlertDispatcher: AlertReceiver {
    /// Alerts that wait for the Alertmanagers; the oldest are dropped and counted beyond that (Prometheus' queue).
    static let queueLimit = 10_000
    static let batchSize = 256
    /// Words that wait for a receiver.
    static let wordLimit = 1_000

    private var policy: NotificationPolicy
    private let poster: any AlertPoster
    private let messenger: any AlertMessenger
    private let clock: any WallClock
    private let logger: Logger
    private var groups: NotificationGroups
    private var queue: [Alert] = []
    private var queries: [String: String] = [:]
    /// Alerts came in, or another policy: something may be due at once.
    private let news = WakeSignal()
    private let words: AsyncStream<Notification>
    private let tell: AsyncStream<Notification>.Continuation

    private let sent, dropped, errors, wordsSent, wordsFailed, wordsDropped, groupsRefused: Counter
    private let queueLength: Gauge

    public init(
        policy: NotificationPolicy, poster: any AlertPoster, messenger: any AlertMessenger, clock: any WallClock, metrics: MetricRegistry,
        logger: Logger
    ) {
        self.policy = policy
        self.poster = poster
        self.messenger = messenger
        self.clock = clock
        self.logger = logger
        groups = NotificationGroups(policy: policy)
        (words, tell) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(Self.wordLimit))
        sent = metrics.counter("binnacle_alerts_sent_total", "Alerts that an Alertmanager took.")
        dropped = metrics.counter("binnacle_alerts_dropped_total", "Alerts that no Alertmanager took, or for which there was no room.")
        errors = metrics.counter("binnacle_alerts_errors_total", "Requests to Alertmanagers that failed.")
        queueLength = metrics.gauge("binnacle_alerts_queue_length", "Alerts that wait for Alertmanagers.")
        wordsSent = metrics.counter("binnacle_notifications_total", "Notifications that a receiver took.")
        wordsFailed = metrics.counter("binnacle_notifications_failed_total", "Notifications that were given up after retries.")
        wordsDropped = metrics.counter("binnacle_notifications_dropped_total", "Notifications for which there was no room.")
        groupsRefused = metrics.counter("binnacle_notification_groups_refused_total", "Alerts that waited because there were too many groups.")
    }

    /// Takes another policy in place of the one before. What receivers were told is remembered where it still goes to them.
    public func load(_ policy: NotificationPolicy) {
        guard policy != self.policy else { return }
        self.policy = policy
        groups.load(policy, at: clock.now)
        if policy.alertmanagers.isEmpty { queue = [] }
        news.wake()
    }

    /// Addresses of the Alertmanagers.
    public var alertmanagers: [String] { policy.alertmanagers }

    /// The expressions of alerts by name, for links back to them.
    public func setQueries(_ queries: [String: String]) { self.queries = queries }

    public func receive(_ alerts: [Alert], at time: Timestamp) {
        let refused = groups.refused
        groups.receive(alerts, at: time)
        groupsRefused.increment(by: groups.refused - refused)
        defer { news.wake() }
        guard !policy.alertmanagers.isEmpty else { return }
        queue += alerts
        if queue.count > Self.queueLimit {
            dropped.increment(by: UInt64(queue.count - Self.queueLimit))
            queue.removeFirst(queue.count - Self.queueLimit)
        }
        queueLength.value = Double(queue.count)
    }

    /// Sends until the task is cancelled.
    public func run() async {
        await withTaskGroup(of: Void.self) { tasks in
            tasks.addTask { await self.pump() }
            tasks.addTask { await self.distribute() }
            await tasks.waitForAll()
        }
    }

    /// A line for each receiver, so that one which does not answer holds up nobody else.
    private func distribute() async {
        await withTaskGroup(of: Void.self) { tasks in
            var lines: [String: AsyncStream<Notification>.Continuation] = [:]
            for await word in words {
                if lines[word.receiver] == nil {
                    let (line, put) = AsyncStream.makeStream(of: Notification.self, bufferingPolicy: .bufferingNewest(Self.wordLimit))
                    lines[word.receiver] = put
                    tasks.addTask { for await word in line { await self.deliver(word) } }
                }
                if case .dropped = lines[word.receiver]?.yield(word) { wordsDropped.increment() }
            }
            for line in lines.values { line.finish() }
        }
    }

    private func pump() async {
        while !Task.isCancelled {
            for word in groups.takeDue(at: clock.now) {
                if case .dropped = tell.yield(word) { wordsDropped.increment() }
            }
            await drain()
            // An hour, so that a clock that was set back does not hold words up for longer.
            let rest = groups.nextDue.map { min(max($0 - clock.now, .zero), .seconds(3600)) }
            await news.wait(atMost: rest)
        }
        tell.finish()
    }

    /// Sends what waits to every Alertmanager; an alert counts as sent when one of them took it.
    func drain() async {
        while !queue.isEmpty {
            let batch = Array(queue.prefix(Self.batchSize))
            queue.removeFirst(batch.count)
            queueLength.value = Double(queue.count)
            let body = AlertPayload.alertmanager(batch, policy: policy, queries: queries).bytes()
            let (addresses, poster) = (policy.alertmanagers, poster)
            let failures = await withTaskGroup(of: String?.self) { tasks in
                for address in addresses {
                    tasks.addTask { await Self.post(body, to: address + "/api/v2/alerts", poster) }
                }
                return await tasks.reduce(into: [String]()) { failures, failure in if let failure { failures.append(failure) } }
            }
            errors.increment(by: UInt64(failures.count))
            for failure in failures { logger.warning("alerts were not sent", metadata: ["error": "\(failure)"]) }
            if failures.count < addresses.count { sent.increment(by: UInt64(batch.count)) } else { dropped.increment(by: UInt64(batch.count)) }
        }
    }

    /// What is wrong; nil if it was taken.
    private static func post(_ body: [UInt8], to url: String, _ poster: any AlertPoster) async -> String? {
        do {
            let status = try await poster.post(url, body: body, contentType: "application/json")
            return (200..<300).contains(status) ? nil : "\(url) answered \(status)"
        } catch {
            return "\(url): \(error)"
        }
    }

    /// Tells a receiver by each of its ways, with retries at growing distances.
    private func deliver(_ word: Notification) async {
        guard let receiver = policy.receiver(word.receiver) else { return }
        for (way, sendsResolved) in receiver.ways {
            guard let word = sendsResolved ? word : word.withoutResolved else { continue }
            var failure = ""
            var isDone = false
            for attempt in 0..<5 where !isDone && !Task.isCancelled {
                if attempt > 0 { try? await Task.sleep(for: .seconds(1 << attempt)) }
                do {
                    isDone = try await tell(word, by: way)
                    failure = "the receiver refused it"
                    // What a receiver refuses for good is not sent again.
                    if !isDone { break }
                } catch {
                    failure = "\(error)"
                }
            }
            if isDone {
                wordsSent.increment()
            } else {
                wordsFailed.increment()
                logger.warning("a notification was given up", metadata: ["receiver": "\(receiver.name)", "group": "\(word.groupKey)", "error": "\(failure)"])
            }
        }
    }

    /// False if the receiver refuses it; throws what may be better the next time.
    private func tell(_ word: Notification, by way: Receiver.Way) async throws -> Bool {
        switch way {
        case .webhook(let url):
            let body = AlertPayload.webhook(word, policy: policy, queries: queries).bytes()
            let status = try await poster.post(url, body: body, contentType: "application/json")
            guard status < 500, status != 429 else { throw RuleProblem("\(url) answered \(status)") }
            return (200..<300).contains(status)
        case .email(let email):
            try await messenger.mail(word, to: email, policy: policy)
            return true
        case .command(let command):
            try await messenger.run(command, input: AlertPayload.webhook(word, policy: policy, queries: queries).bytes())
            return true
        }
    }
}

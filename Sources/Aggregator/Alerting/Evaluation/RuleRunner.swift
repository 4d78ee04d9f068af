import Logging
import Runtime
import Telemetry

/// Where rules' results go. Returns when they are durable.
public protocol RuleSampleSink: Sendable {
    func append(_ samples: [RuleSample], at time: Timestamp) async throws
}

/// Who is told of alerts; must not wait for a network.
public protocol AlertReceiver: Sendable {
    func receive(_ alerts: [Alert], at time: Timestamp) async
}

/// Runs groups of rules, each at its own pace, and keeps their state over reloads.
public actor RuleRunner {
    public struct Configuration: Sendable {
        /// Of groups that name none.
        public var interval = Duration.seconds(60)
        public var resendDelay = Duration.seconds(60)
        public var template = AlertTemplate()
        public var restoration = AlertRestoration()
        public init() {}
    }

    private struct Key: Hashable {
        var file: String
        var name: String
    }

    private var configuration: Configuration
    private let querier: any RuleQuerier
    private let sink: any RuleSampleSink
    private let receiver: any AlertReceiver
    private let clock: any WallClock
    private let logger: Logger
    private var states: [Key: RuleGroupState] = [:]
    private var order: [Key] = []
    /// Changes with each reload, so that the loop looks at the groups anew.
    private var generation = 0
    private var wake: AsyncStream<Void>.Continuation?

    private let evaluations, failures, missedTotal, samplesWritten: Counter
    private let duration: Histogram

    public init(
        configuration: Configuration = Configuration(), querier: any RuleQuerier, sink: any RuleSampleSink, receiver: any AlertReceiver,
        clock: any WallClock, metrics: MetricRegistry, logger: Logger
    ) {
        self.configuration = configuration
        self.querier = querier
        self.sink = sink
        self.receiver = receiver
        self.clock = clock
        self.logger = logger
        evaluations = metrics.counter("binnacle_rule_evaluations_total", "Rules evaluated.")
        failures = metrics.counter("binnacle_rule_evaluation_failures_total", "Rules whose evaluation failed.")
        missedTotal = metrics.counter("binnacle_rule_group_iterations_missed_total", "Evaluations of groups skipped because the one before took too long.")
        samplesWritten = metrics.counter("binnacle_rule_samples_total", "Samples that rules wrote.")
        duration = metrics.histogram("binnacle_rule_group_duration_seconds", "Time to evaluate a group.")
    }

    /// Takes these files in place of those before. Rules that have stayed the same keep their alerts; series of rules that
    /// are gone end. `template` takes the place of the one before, if given.
    public func load(_ files: [RuleFile], template: AlertTemplate? = nil) async {
        if let template { configuration.template = template }
        let earlier = states
        states = [:]
        order = []
        for group in files.flatMap(\.groups) {
            let key = Key(file: group.file, name: group.name)
            var state = RuleGroupState(group: group)
            if let before = earlier[key] { state.inherit(before) }
            states[key] = state
            order.append(key)
        }
        generation += 1
        wake?.finish()
        let now = clock.now
        let ended = earlier.flatMap { key, state in state.abandoned(by: states[key]) }
        guard !ended.isEmpty else { return }
        do {
            try await sink.append(ended.map { RuleSample(labels: $0, value: .stale) }, at: now)
        } catch {
            logger.warning("series of removed rules were not ended", metadata: ["error": "\(error)"])
        }
    }

    /// Of groups that name none.
    public var defaultInterval: Duration { configuration.interval }

    /// The groups with their state, in the order of the files.
    public var groups: [RuleGroupState] { order.compactMap { states[$0] } }

    /// Pending and firing alerts of all groups.
    public var activeAlerts: [Alert] { groups.flatMap { $0.rules.flatMap(\.alerts.active) } }

    /// Runs each group at its moments until the task is cancelled.
    public func run() async {
        while !Task.isCancelled {
            let (loaded, wake) = AsyncStream.makeStream(of: Void.self)
            self.wake = wake
            let current = generation
            await withTaskGroup(of: Void.self) { tasks in
                for key in order { tasks.addTask { await self.loop(key, generation: current) } }
                tasks.addTask { for await _ in loaded {} }
                // The first to end says that there are other files, or that the program stops.
                await tasks.next()
                tasks.cancelAll()
            }
        }
    }

    private func loop(_ key: Key, generation wanted: Int) async {
        guard let group = states[key]?.group else { return }
        let schedule = RuleSchedule(group: group, defaultInterval: configuration.interval)
        var due = schedule.next(after: clock.now)
        while !Task.isCancelled, generation == wanted {
            let wait = due - clock.now
            if wait > .zero {
                do { try await Task.sleep(for: wait) } catch { return }
            }
            guard generation == wanted else { return }
            await evaluate(key, at: due)
            let now = clock.now
            let missed = schedule.missed(after: due, through: now)
            if missed > 0 {
                states[key]?.missed += missed
                missedTotal.increment(by: missed)
            }
            due = schedule.next(after: now)
        }
    }

    /// Evaluates one group now; for the loop and for tests.
    private func evaluate(_ key: Key, at now: Timestamp) async {
        guard var state = states[key] else { return }
        let generation = generation
        let start = ContinuousClock.now
        let evaluator = RuleGroupEvaluator(
            template: configuration.template, restoration: configuration.restoration, interval: configuration.interval,
            resendDelay: configuration.resendDelay, elapsed: { ContinuousClock.now - start })
        let (querier, sink) = (querier, sink)
        let outcome = await evaluator.evaluate(&state, at: now, querier: querier) { samples in
            try await sink.append(samples, at: now)
        }
        // A reload in the meantime has a state of its own.
        if generation == self.generation { states[key] = state }
        evaluations.increment(by: UInt64(state.group.rules.count))
        failures.increment(by: UInt64(outcome.failures))
        samplesWritten.increment(by: UInt64(outcome.samples.count))
        duration.observe(state.evaluationTime.inSeconds)
        for (rule, ruleState) in zip(state.group.rules, state.rules) where ruleState.health == .err {
            logger.warning("rule failed", metadata: ["group": "\(state.group.name)", "rule": "\(rule.name)", "error": "\(ruleState.lastError)"])
        }
        if !outcome.alerts.isEmpty { await receiver.receive(outcome.alerts, at: now) }
    }

    /// Evaluates all groups at one moment, in the order of the files.
    public func evaluateAll(at now: Timestamp) async {
        for key in order { await evaluate(key, at: now) }
    }
}

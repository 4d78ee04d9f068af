import PromQL
import Telemetry

/// Evaluates the rules of a group in order at one moment.
struct RuleGroupEvaluator {
    var template: AlertTemplate
    var restoration: AlertRestoration
    /// Of groups that name none.
    var interval: Duration
    var resendDelay: Duration
    /// Measures how long a rule takes; tests give a clock that stands still.
    var elapsed: @Sendable () -> Duration

    struct Outcome {
        /// To be stored with the evaluation's time; a stale marker ends a series.
        var samples: [RuleSample] = []
        /// To be told to receivers.
        var alerts: [Alert] = []
        var failures = 0
    }

    /// Evaluates all rules. A rule that fails does not stop those behind it. Each rule's samples go to `store` before the
    /// next rule runs, so that a rule may build on the one before.
    func evaluate(
        _ state: inout RuleGroupState, at now: Timestamp, querier: some RuleQuerier, store: ([RuleSample]) async throws -> Void
    ) async -> Outcome {
        var outcome = Outcome()
        let begin = elapsed()
        let group = state.group
        let moment = now - (group.queryOffset ?? .zero)
        for (position, rule) in group.rules.enumerated() {
            let ruleBegin = elapsed()
            do {
                let samples = try await samples(of: rule, in: group, &state.rules[position], at: moment, now: now, querier: querier)
                let current = Set(samples.map(\.labels))
                let ended = state.rules[position].written.subtracting(current).map { RuleSample(labels: $0, value: .stale) }
                if !samples.isEmpty || !ended.isEmpty { try await store(samples + ended) }
                state.rules[position].written = current
                state.rules[position].health = .ok
                state.rules[position].lastError = ""
                outcome.samples += samples + ended
            } catch {
                outcome.failures += 1
                state.rules[position].health = .err
                state.rules[position].lastError = "\(error)"
            }
            state.rules[position].lastEvaluation = now
            state.rules[position].evaluationTime = elapsed() - ruleBegin
        }
        if !state.wasRestored {
            await restore(&state, now: now, querier: querier)
            state.wasRestored = true
        }
        for position in group.rules.indices {
            outcome.alerts += state.rules[position].alerts.takeDue(now: now, resendDelay: resendDelay, interval: group.interval ?? interval)
        }
        state.lastEvaluation = now
        state.evaluationTime = elapsed() - begin
        return outcome
    }

    private func samples(
        of rule: Rule, in group: RuleGroup, _ state: inout RuleGroupState.RuleState, at moment: Timestamp, now: Timestamp, querier: some RuleQuerier
    ) async throws -> [RuleSample] {
        let result = try await querier.instant(rule.query, at: moment)
        switch rule.kind {
        case .recording(let metric):
            let samples = result.map { sample in
                var labels = sample.labels.dictionary
                for (name, value) in group.labels.merging(rule.labels, uniquingKeysWith: { $1 }) { labels[name] = value }
                // An empty value takes a label away.
                labels = labels.filter { !$0.value.isEmpty }
                labels[Labels.metricName] = metric
                return RuleSample(labels: Labels(labels), value: sample.value)
            }
            guard Set(samples.map(\.labels)).count == samples.count else {
                throw RuleProblem("vector contains metrics with the same labelset after applying rule labels")
            }
            if group.limit > 0, samples.count > group.limit {
                throw RuleProblem("exceeded limit of \(group.limit) with \(samples.count) series")
            }
            return samples
        case .alerting(let alert):
            var hits: [AlertStates.Hit] = []
            for sample in result { hits.append(await hit(sample, rule, alert, group, at: now, querier: querier)) }
            try state.alerts.advance(hits, rule: alert, limit: group.limit, now: now)
            return state.alerts.samples
        }
    }

    private func hit(
        _ sample: RuleSample, _ rule: Rule, _ alert: AlertRule, _ group: RuleGroup, at now: Timestamp, querier: some RuleQuerier
    ) async -> AlertStates.Hit {
        let plain = sample.labels.filter { $0.name != Labels.metricName }
        var labels = plain.dictionary
        for (name, text) in group.labels.merging(rule.labels, uniquingKeysWith: { $1 }).sorted(by: { $0.key < $1.key }) {
            labels[name] = await template.expand(text, name: "\(alert.name).\(name)", labels: plain, value: sample.value, at: now, querier: querier)
        }
        labels["alertname"] = alert.name
        labels = labels.filter { !$0.value.isEmpty }
        var annotations: [String: String] = [:]
        for (name, text) in alert.annotations {
            annotations[name] = await template.expand(
                text, name: "\(alert.name).\(name)", labels: plain, value: sample.value, at: now, querier: querier)
        }
        return AlertStates.Hit(labels: Labels(labels), annotations: annotations, value: sample.value)
    }

    /// Once after a start: since when the alerts that are pending now were active before.
    private func restore(_ state: inout RuleGroupState, now: Timestamp, querier: some RuleQuerier) async {
        for (position, rule) in state.group.rules.enumerated() {
            guard case .alerting(let alert) = rule.kind, alert.hold >= restoration.gracePeriod, !state.rules[position].alerts.active.isEmpty else { continue }
            let selector = "ALERTS_FOR_STATE{alertname=\(quoted(alert.name))}"
            // What this evaluation wrote is not what was before.
            let stored = try? await querier.newest(selector, from: now - restoration.outageTolerance, through: now - .milliseconds(1))
            state.rules[position].alerts.restore(
                (stored ?? []).map { entry in
                    (
                        labels: entry.sample.labels.filter { $0.name != Labels.metricName },
                        activeAt: Timestamp(seconds: entry.sample.value), lastWritten: entry.time
                    )
                }, hold: alert.hold, by: restoration, now: now)
        }
    }

    private func quoted(_ text: String) -> String {
        "\"" + text.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"").replacing("\n", with: "\\n") + "\""
    }
}

/// Why a rule could not be evaluated.
struct RuleProblem: Error, CustomStringConvertible {
    var description: String
    init(_ description: String) { self.description = description }
}

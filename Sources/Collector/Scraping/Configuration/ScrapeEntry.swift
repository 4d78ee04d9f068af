import JSON
import Telemetry

/// Reads one entry of `scrape_configs`.
struct ScrapeEntry {
    private(set) var configuration: ScrapeConfiguration
    private let folder: String

    init(_ node: ConfigurationNode, defaults: ScrapeConfiguration, folder: String) throws(ScrapeFileError) {
        configuration = defaults
        self.folder = folder
        var hasTimeout = false
        for (key, value) in try node.members() {
            switch key {
            case "job_name": configuration.jobName = try value.text()
            case "scrape_interval": configuration.interval = try value.duration()
            case "scrape_timeout":
                configuration.timeout = try value.duration()
                hasTimeout = true
            case "relabel_configs": configuration.targetRelabelling = try ScrapeEntry.rules(value)
            case "metric_relabel_configs": configuration.metricRelabelling = try ScrapeEntry.rules(value)
            default: try read(key, value)
            }
        }
        guard !configuration.jobName.isEmpty else { throw node["job_name"].error("is missing, expected a name") }
        if !hasTimeout { configuration.timeout = min(configuration.timeout, configuration.interval) }
        guard configuration.timeout <= configuration.interval else { throw node["scrape_timeout"].error("is longer than scrape_interval") }
    }

    private mutating func read(_ key: String, _ value: ConfigurationNode) throws(ScrapeFileError) {
        switch key {
        case "metrics_path": configuration.metricsPath = try value.text()
        case "scheme":
            configuration.scheme = try value.text()
            guard ["http", "https"].contains(configuration.scheme) else { throw value.error("is \"\(configuration.scheme)\", expected http or https") }
        case "params":
            for (name, list) in try value.members() { for text in try list.texts() { configuration.parameters.append((name, text)) } }
        case "honor_labels": configuration.honorLabels = try value.flag()
        case "honor_timestamps": configuration.honorTimestamps = try value.flag()
        case "track_timestamps_staleness": configuration.tracksTimestampStaleness = try value.flag()
        case "enable_compression": configuration.compresses = try value.flag()
        case "scrape_native_histograms": configuration.wantsNativeHistograms = try value.flag()
        case "scrape_protocols":
            // Which of them is preferred is decided here; only the binary form is a wish.
            configuration.wantsNativeHistograms = try value.texts().first == PageFormat.protobuf.rawValue
        case "fallback_scrape_protocol":
            let text = try value.text()
            guard let format = PageFormat(rawValue: text) else {
                throw value.error("is \"\(text)\", expected PrometheusText0.0.4, PrometheusText1.0.0, OpenMetricsText1.0.0 or PrometheusProto")
            }
            configuration.fallbackProtocol = format
        case "sample_limit": configuration.sampleLimit = try value.whole()
        case "label_limit": configuration.labelLimit = try value.whole()
        case "label_name_length_limit": configuration.labelNameLengthLimit = try value.whole()
        case "label_value_length_limit": configuration.labelValueLengthLimit = try value.whole()
        case "target_limit": configuration.targetLimit = try value.whole()
        case "body_size_limit": configuration.bodyBytesLimit = try value.byteCount()
        case "static_configs": configuration.staticTargets = try ScrapeEntry.groups(value)
        case "file_sd_configs": for entry in try value.elements() { configuration.files.append(try fileDiscovery(entry)) }
        case "http_sd_configs": for entry in try value.elements() { configuration.endpoints.append(try httpDiscovery(entry)) }
        case "kubernetes_sd_configs": for entry in try value.elements() { configuration.roles.append(try role(entry)) }
        case "basic_auth", "authorization", "bearer_token", "bearer_token_file": configuration.authorization = try authorization(key, value)
        case "tls_config": configuration.tls = try tls(value)
        case "http_headers":
            for (name, entry) in try value.members() { for text in try entry["values"].texts() { configuration.headers.append((name, text)) } }
        case "follow_redirects", "enable_http2", "keep_dropped_targets", "always_scrape_classic_histograms", "metric_name_validation_scheme",
            "metric_name_escaping_scheme", "scrape_classic_histograms", "native_histogram_bucket_limit", "scrape_failure_log_file":
            break
        case let key where key.hasSuffix("_sd_configs"):
            throw value.error("is not offered here: use static_configs, file_sd_configs, http_sd_configs or kubernetes_sd_configs")
        case "proxy_url", "no_proxy", "proxy_from_environment", "oauth2", "proxy_connect_header": throw value.error("is not offered here")
        default: throw value.error("is not known")
        }
    }

    /// `[{targets: [...], labels: {...}}]`, also the content of a file or of an answer that lists targets.
    static func groups(_ node: ConfigurationNode) throws(ScrapeFileError) -> [TargetGroup] {
        var groups: [TargetGroup] = []
        for entry in try node.elements() {
            var group = TargetGroup(targets: [])
            for (key, value) in try entry.members() {
                switch key {
                case "targets": group.targets = try value.texts()
                case "labels": for (name, text) in try value.members() { group.labels[name] = try text.text() }
                default: throw value.error("is not known, expected targets and labels")
                }
            }
            for target in group.targets where target.contains("/") {
                throw entry["targets"].error("has \"\(target.prefix(80))\", which is no host:port: the scheme and the path have keys of their own")
            }
            groups.append(group)
        }
        return groups
    }

    static func rules(_ node: ConfigurationNode) throws(ScrapeFileError) -> [RelabelRule] {
        var rules: [RelabelRule] = []
        for entry in try node.elements() {
            var rule = RelabelRule()
            for (key, value) in try entry.members() {
                switch key {
                case "source_labels": rule.sourceLabels = try value.texts()
                case "separator": rule.separator = try value.text()
                case "target_label": rule.targetLabel = try value.text()
                case "regex": rule.regex = try value.pattern()
                case "modulus": rule.modulus = UInt64(try value.whole())
                case "replacement": rule.replacement = try value.text()
                case "action":
                    let text = try value.text()
                    guard let action = RelabelRule.Action(rawValue: text.lowercased()) else {
                        throw value.error("is \"\(text)\", expected one of \(RelabelRule.Action.allCases.map(\.rawValue).joined(separator: ", "))")
                    }
                    rule.action = action
                default: throw value.error("is not known")
                }
            }
            let needsTarget: Set<RelabelRule.Action> = [.replace, .hashmod, .lowercase, .uppercase, .keepequal, .dropequal]
            if needsTarget.contains(rule.action), rule.targetLabel.isEmpty {
                throw entry["target_label"].error("is missing, the action \(rule.action.rawValue) needs one")
            }
            if rule.action == .hashmod, rule.modulus == 0 { throw entry["modulus"].error("is missing, hashmod needs one above 0") }
            rules.append(rule)
        }
        return rules
    }

    private func path(_ text: String) -> String { text.hasPrefix("/") ? text : "\(folder)/\(text)" }

    private func fileDiscovery(_ node: ConfigurationNode) throws(ScrapeFileError) -> ScrapeConfiguration.FileDiscovery {
        var discovery = ScrapeConfiguration.FileDiscovery(files: try node["files"].texts().map(path))
        guard !discovery.files.isEmpty else { throw node["files"].error("is missing, expected a list of paths") }
        if !node["refresh_interval"].isNull { discovery.refresh = try node["refresh_interval"].duration() }
        return discovery
    }

    private func httpDiscovery(_ node: ConfigurationNode) throws(ScrapeFileError) -> ScrapeConfiguration.HTTPDiscovery {
        var discovery = ScrapeConfiguration.HTTPDiscovery(url: try node["url"].text())
        for (key, value) in try node.members() {
            switch key {
            case "url", "follow_redirects", "enable_http2": break
            case "refresh_interval": discovery.refresh = try value.duration()
            case "basic_auth", "authorization": discovery.authorization = try authorization(key, value)
            case "tls_config": discovery.tls = try tls(value)
            default: throw value.error("is not offered here")
            }
        }
        return discovery
    }

    private func role(_ node: ConfigurationNode) throws(ScrapeFileError) -> ScrapeConfiguration.Role {
        let text = try node["role"].text()
        guard let role = ScrapeConfiguration.Role(rawValue: text) else { throw node["role"].error("is \"\(text)\", expected pod or service") }
        return role
    }

    private func authorization(_ key: String, _ node: ConfigurationNode) throws(ScrapeFileError) -> ScrapeConfiguration.Authorization {
        switch key {
        case "bearer_token": return .credentials("Bearer \(try node.text())")
        case "bearer_token_file": return .credentialsFile(type: "Bearer", path: path(try node.text()))
        case "basic_auth":
            let user = try node["username"].text()
            if !node["password_file"].isNull { return .basicFile(user: user, path: path(try node["password_file"].text())) }
            return .basic(user: user, password: node["password"].isNull ? "" : try node["password"].text())
        default:
            let type = node["type"].isNull ? "Bearer" : try node["type"].text()
            if !node["credentials_file"].isNull { return .credentialsFile(type: type, path: path(try node["credentials_file"].text())) }
            return .credentials("\(type) \(try node["credentials"].text())")
        }
    }

    private func tls(_ node: ConfigurationNode) throws(ScrapeFileError) -> ScrapeConfiguration.TLS {
        var tls = ScrapeConfiguration.TLS()
        for (key, value) in try node.members() {
            switch key {
            case "ca_file": tls.authorityFile = path(try value.text())
            case "cert_file": tls.certificateFile = path(try value.text())
            case "key_file": tls.keyFile = path(try value.text())
            case "server_name": tls.serverName = try value.text()
            case "insecure_skip_verify": tls.skipsVerification = try value.flag()
            default: throw value.error("is not offered here")
            }
        }
        return tls
    }
}

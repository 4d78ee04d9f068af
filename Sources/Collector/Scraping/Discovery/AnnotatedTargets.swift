import Pattern
import Telemetry

/// Targets out of pods and services, with the `__meta_kubernetes_…` labels that Prometheus' discovery gives them.
enum AnnotatedTargets {
    static func labels(_ objects: [AnnotatedObject], _ role: ScrapeConfiguration.Role) -> [Labels] {
        objects.flatMap { object -> [Labels] in
            // A pod without an address cannot be asked, one that has ended has nothing to say.
            guard !object.address.isEmpty, role != .pod || !["Succeeded", "Failed"].contains(object.phase) else { return [] }
            let common = common(object, role)
            // A pod without ports is found once, by its address alone.
            guard !object.ports.isEmpty else { return role == .pod ? [Labels(common + [("__address__", object.address)])] : [] }
            return object.ports.map { Labels(common + port($0, role) + [("__address__", "\(object.address):\($0.number)")]) }
        }
    }

    private static func common(_ object: AnnotatedObject, _ role: ScrapeConfiguration.Role) -> [(String, String)] {
        let kind = "__meta_kubernetes_\(role.rawValue)"
        var labels = [("__meta_kubernetes_namespace", object.namespace), ("\(kind)_name", object.name)]
        for (name, value) in object.labels {
            labels += [("\(kind)_label_\(legal(name))", value), ("\(kind)_labelpresent_\(legal(name))", "true")]
        }
        for (name, value) in object.annotations {
            labels += [("\(kind)_annotation_\(legal(name))", value), ("\(kind)_annotationpresent_\(legal(name))", "true")]
        }
        if role == .pod {
            labels += [
                ("\(kind)_ip", object.address), ("\(kind)_uid", object.uid), ("\(kind)_node_name", object.node), ("\(kind)_phase", object.phase),
                ("\(kind)_ready", object.isReady ? "true" : "false"), ("\(kind)_controller_kind", object.controllerKind),
                ("\(kind)_controller_name", object.controllerName),
            ]
        }
        return labels
    }

    private static func port(_ port: AnnotatedObject.Port, _ role: ScrapeConfiguration.Role) -> [(String, String)] {
        guard role == .pod else {
            return [
                ("__meta_kubernetes_service_port_name", port.name), ("__meta_kubernetes_service_port_number", "\(port.number)"),
                ("__meta_kubernetes_service_port_protocol", port.networkProtocol),
            ]
        }
        return [
            ("__meta_kubernetes_pod_container_name", port.container), ("__meta_kubernetes_pod_container_port_name", port.name),
            ("__meta_kubernetes_pod_container_port_number", "\(port.number)"), ("__meta_kubernetes_pod_container_port_protocol", port.networkProtocol),
        ]
    }

    /// What is no letter, digit or `_` becomes `_`.
    private static func legal(_ name: String) -> String {
        String(
            name.unicodeScalars.map { scalar in
                switch scalar {
                case "a"..."z", "A"..."Z", "0"..."9", "_": Character(scalar)
                default: "_"
                }
            })
    }
}

extension ScrapeConfiguration {
    /// The annotations' convention as a job: who is annotated with `prometheus.io/scrape: "true"` is scraped, at
    /// `prometheus.io/port`, `prometheus.io/path` and `prometheus.io/scheme` if they are given.
    public static func annotated(_ role: Role, interval: Duration = .seconds(15)) throws(PatternError) -> ScrapeConfiguration {
        var configuration = ScrapeConfiguration(jobName: "kubernetes-\(role.rawValue)s")
        configuration.interval = interval
        configuration.timeout = min(.seconds(10), interval)
        configuration.roles = [role]
        configuration.fallbackProtocol = .text
        let kind = "__meta_kubernetes_\(role.rawValue)"
        let note = "\(kind)_annotation_prometheus_io"
        var rules: [RelabelRule] = [
            try RelabelRule(.keep, ["\(note)_scrape"], regex: "true"),
            try RelabelRule(.replace, ["\(note)_scheme"], regex: "(https?)", target: "__scheme__"),
            try RelabelRule(.replace, ["\(note)_path"], regex: "(.+)", target: "__metrics_path__"),
            try RelabelRule(
                .replace, ["__address__", "\(note)_port"], regex: #"([^:]+|\[[^\]]+\])(?::\d+)?;(\d+)"#, target: "__address__", replacement: "$1:$2"),
            try RelabelRule(.replace, ["__meta_kubernetes_namespace"], target: "namespace"),
            try RelabelRule(.replace, ["\(kind)_name"], target: role.rawValue),
        ]
        if role == .pod {
            rules += [
                try RelabelRule(.replace, ["\(kind)_container_name"], regex: "(.+)", target: "container"),
                try RelabelRule(.replace, ["\(kind)_node_name"], target: "node"),
            ]
        }
        rules.append(try RelabelRule(.replace, ["\(kind)_label_app", "\(kind)_label_app_kubernetes_io_name"], regex: "(?:;)?([^;]+)(?:;.*)?", target: "app"))
        configuration.targetRelabelling = rules
        return configuration
    }
}

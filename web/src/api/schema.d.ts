// Generated from docs/api.yaml by `npm run types`. Do not edit.

export interface paths {
    "/healthz": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** The process runs. Never needs a token. */
        get: operations["health"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/readyz": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Sockets are bound and steps are processed in time. Never needs a token. */
        get: operations["ready"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/metrics": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Counters for Prometheus, text format 0.0.4. */
        get: operations["metrics"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/status": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** What runs, since when, in which mode; what the caller may do. */
        get: operations["status"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/features": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** The feature table, in the order of frames. */
        get: operations["features"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/overview": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** The first page - the network's traffic with its forecast band, open alerts, surprising nodes, health. */
        get: operations["overview"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/nodes": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Nodes of the latest closed step that history holds, one page. */
        get: operations["nodes"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/nodes/{node}": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description A node's name, percent-encoded: 192.0.2.1, 192.0.2.0%2F24, 192.0.2.254%237, AS64500. */
                node: components["parameters"]["Node"];
            };
            cookie?: never;
        };
        /** One node - what is known of it now, its warmth, parents, alerts. */
        get: operations["node"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/nodes/{node}/series": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description A node's name, percent-encoded: 192.0.2.1, 192.0.2.0%2F24, 192.0.2.254%237, AS64500. */
                node: components["parameters"]["Node"];
            };
            cookie?: never;
        };
        /** Features of one node over time, with the forecast made one step before, scores and surprise. */
        get: operations["node_series"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/nodes/{node}/peers": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description A node's name, percent-encoded: 192.0.2.1, 192.0.2.0%2F24, 192.0.2.254%237, AS64500. */
                node: components["parameters"]["Node"];
            };
            cookie?: never;
        };
        /** Who sends to the node - a sample of the flows of the latest steps. */
        get: operations["node_peers"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/explore": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** The traffic by one dimension - a stacked area and the table beside it. */
        get: operations["explore"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/alerts": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Alerts, newest first, one page. */
        get: operations["alerts"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/alerts/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description The alert's id, 16 hex digits. */
                id: components["parameters"]["AlertId"];
            };
            cookie?: never;
        };
        /** One alert with its evidence, its history and what operators said of it. */
        get: operations["alert"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/alerts/{id}/feedback": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description The alert's id, 16 hex digits. */
                id: components["parameters"]["AlertId"];
            };
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Confirm or reject an alert; `netflowgen feedback` and `finetune` use the answers as labels. Needs an operator. */
        post: operations["feedback"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/incidents": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Incidents (many hosts of one prefix, one cause), newest first. */
        get: operations["incidents"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/exporters": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Every exporter - rates, loss, templates, time-outs, clock, ledgers. */
        get: operations["exporters"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/model": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** The model in force - card, tasks, thresholds, calibration, how warm the nodes are, drift. */
        get: operations["model"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/training": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** The training that runs, or the last one. */
        get: operations["training"];
        put?: never;
        /** Train on the stored series, as a process of its own at the lowest priority. A model that fits is taken over. Needs an operator. */
        post: operations["startTraining"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/training/stop": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Stop the training that runs; the model in force stays. Needs an operator. */
        post: operations["stopTraining"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/reload": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Read configuration, policies and model again, as SIGHUP does. Needs an admin. The outcome is the event `reload`. */
        post: operations["reload"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/events": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Server-sent events, for as long as the connection lasts.
         * @description `event:` is one of the names below and `data:` one line of JSON; `id:` grows by one. A client that comes back with
         *     `Last-Event-ID` gets what it missed, as far as the last 1,000 events hold it. A comment line comes every 15 s. A
         *     client that does not read is disconnected.
         *
         *     | event | data |
         *     |---|---|
         *     | `hello` | `Status`, first |
         *     | `step` | `StepEvent`: a step was closed and scored |
         *     | `tick` | `TickEvent`: the open step was examined |
         *     | `alert` | `AlertEvent`: raised, escalated, resumed, grouped, updated (an early one is borne out), ended |
         *     | `incident` | `IncidentEvent`: raised, updated, ended |
         *     | `reload` | `ReloadEvent`: files were read again, or refused |
         *     | `training` | `Training`: it began, came further, ended |
         */
        get: operations["events"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
}
export type webhooks = Record<string, never>;
export interface components {
    schemas: {
        Problem: {
            title: string;
            status: number;
            /** @description What is wrong and what to do, one sentence. */
            detail: string;
        };
        /** @enum {string} */
        Severity: "low" | "medium" | "high" | "critical";
        /** Format: int64 */
        Time: number;
        Number: number | null;
        Numbers: (number | null)[];
        /** @description Starts of steps or buckets. */
        Times: number[];
        /** @enum {string} */
        FeatureName: "bytes_in" | "packets_in" | "flows_in" | "packet_size_in" | "duration_in" | "peers_in" | "ports_in" | "peer_entropy_in" | "peer_port_entropy_in" | "top_peer_share_in" | "tcp_share_in" | "udp_share_in" | "icmp_share_in" | "other_share_in" | "syn_share_in" | "rst_share_in" | "fragment_share_in" | "reflector_share_in" | "top_port_in" | "bytes_out" | "packets_out" | "flows_out" | "packet_size_out" | "duration_out" | "peers_out" | "ports_out" | "peer_entropy_out" | "peer_port_entropy_out" | "top_peer_share_out" | "tcp_share_out" | "udp_share_out" | "icmp_share_out" | "other_share_out" | "syn_share_out" | "rst_share_out" | "fragment_share_out" | "reflector_share_out" | "top_port_out" | "out_in_ratio";
        /** @enum {string} */
        Dimension: "source" | "destination" | "port" | "protocol" | "exporter";
        Health: {
            /** @constant */
            status: "ok";
        };
        Ready: {
            ready: boolean;
            reasons: string[];
        };
        Accepted: {
            accepted: boolean;
        };
        Status: {
            version: string;
            commit: string;
            /** @enum {string} */
            mode: "collect" | "shadow" | "active";
            started_ms: components["schemas"]["Time"];
            now_ms: components["schemas"]["Time"];
            step_ms: number;
            tick_ms: number;
            lateness_ms: number;
            /** @description Of the steps' calendar: UTC, +hh:mm or an IANA name. */
            timezone: string;
            /**
             * @description Of the caller.
             * @enum {string}
             */
            role: "viewer" | "operator" | "admin";
            /** @description Requests need a token. */
            tokens: boolean;
            model_loaded: boolean;
            demo: boolean;
        };
        Feature: {
            name: string;
            unit: string;
            /** @enum {string} */
            kind: "volume" | "count" | "quantity" | "ratio" | "category";
            help: string;
            /** @description The model forecasts it. */
            forecast: boolean;
        };
        FeatureList: {
            features: components["schemas"]["Feature"][];
        };
        /** @description Lists are parallel to `times`. Totals of a step or mean totals of the steps of a bucket, in the feature's unit. */
        FeatureSeries: {
            feature: string;
            unit: string;
            values: components["schemas"]["Numbers"];
            /** @description The forecast's lowest quantile (10 %), made one step before; null where there is none. */
            low: components["schemas"]["Numbers"];
            /** @description Its median. */
            middle: components["schemas"]["Numbers"];
            /** @description Its highest quantile (90 %). */
            high: components["schemas"]["Numbers"];
        };
        AlertSummary: {
            id: string;
            node: string;
            task: string;
            type: string;
            probability?: components["schemas"]["Number"];
            severity: components["schemas"]["Severity"];
            /** @description Of the first suspicious step. */
            start_ms: components["schemas"]["Time"];
            raised_ms: components["schemas"]["Time"];
            /** @description null: it is open. */
            end_ms: number | null;
            times_expected: components["schemas"]["Number"];
            score: components["schemas"]["Number"];
            threshold: components["schemas"]["Number"];
            /** @description Raised from a step that was still open. */
            early?: boolean;
            suppressed: string | null;
            incident: string | null;
            /**
             * @description What an operator said last.
             * @enum {string|null}
             */
            verdict: "confirmed" | "rejected" | null;
        };
        SurprisingNode: {
            node: string;
            kind: string;
            /** @description Surprise of the latest closed step. */
            bits: components["schemas"]["Number"];
            bytes_in: components["schemas"]["Number"];
            bytes_out: components["schemas"]["Number"];
            /** @description The most surprising feature. */
            driver: string | null;
            driver_bits?: components["schemas"]["Number"];
        };
        HealthSummary: {
            /** @description Every stage: in = out + held + drops. */
            balanced: boolean;
            exporters: number;
            packets_per_second: components["schemas"]["Number"];
            flows_per_second: components["schemas"]["Number"];
            /** @description By sequence numbers. */
            lost_in_transit: number;
            kernel_drops: number;
            /** @description Of all stages, most first. */
            drops: components["schemas"]["Drop"][];
            queue_bytes: number;
            /**
             * @description What is left out now because reading is behind. Each includes those before it; what was left out is in drops, reason overload.
             * @enum {string}
             */
            shed: "nothing" | "open step" | "history detail" | "flow sample";
            /** @description Since when something is left out, whatever the level was meanwhile; null: nothing is. */
            shed_since_ms: number | null;
            /** @description How long after a step's end its scores were there. */
            step_lag_ms: number | null;
            score_ms: number | null;
            frames_open: number;
            warnings: string[];
        };
        Drop: {
            stage: string;
            reason: string;
            count: number;
        };
        Overview: {
            now_ms: components["schemas"]["Time"];
            /** @description Of `times`. */
            resolution_ms: number;
            times: components["schemas"]["Times"];
            /** @description bytes_in, packets_in, flows_in, bytes_out, packets_out, flows_out: sums over all hosts (else prefixes, interfaces, AS). */
            network: components["schemas"]["FeatureSeries"][];
            /** @description Of the steps after the last of `times`. */
            next?: components["schemas"]["NextForecast"][];
            /** @description The open step so far; null where nothing is open. */
            partial: null | components["schemas"]["TickEvent"];
            nodes: {
                known: number;
                /** @description Whose window is full. */
                warm: number;
            };
            alerts: {
                open: number;
                by_severity: {
                    low: number;
                    medium: number;
                    high: number;
                    critical: number;
                };
                /** @description Open ones first, then the newest; at most 20. */
                latest: components["schemas"]["AlertSummary"][];
            };
            /** @description At most 10. */
            surprising: components["schemas"]["SurprisingNode"][];
            health: components["schemas"]["HealthSummary"];
        };
        NextForecast: {
            time_ms: components["schemas"]["Time"];
            feature: string;
            low: components["schemas"]["Number"];
            middle: components["schemas"]["Number"];
            high: components["schemas"]["Number"];
        };
        NodeRow: {
            node: string;
            /** @enum {string} */
            kind: "host" | "prefix" | "interface" | "as";
            /** @description Start of its latest step. */
            last_ms: components["schemas"]["Time"];
            bytes_in: components["schemas"]["Number"];
            bytes_out: components["schemas"]["Number"];
            packets_in: components["schemas"]["Number"];
            packets_out: components["schemas"]["Number"];
            flows_in: components["schemas"]["Number"];
            flows_out: components["schemas"]["Number"];
            bits: components["schemas"]["Number"];
            /** @description Share of the model's window that is filled, 0 to 1; null without a model. */
            warm: components["schemas"]["Number"];
            /** @description Open ones. */
            alerts: number;
        };
        NodePage: {
            total: number;
            offset: number;
            step_ms: number;
            /** @description Start of the step that the rows are of. */
            time_ms: number | null;
            nodes: components["schemas"]["NodeRow"][];
        };
        Node: {
            node: string;
            /** @enum {string} */
            kind: "host" | "prefix" | "interface" | "as";
            /** @description Start of the first step that history holds of it. */
            first_ms: number | null;
            last_ms: number | null;
            warm: components["schemas"]["Number"];
            positions: number | null;
            window: number | null;
            /** @description Its alerts are suppressed for now; positions of the model stand for the steps that it is known. */
            learning: boolean;
            policy: string | null;
            /** @description What its traffic looks like: server, client, mixed, scanner-like; null where too little is known. */
            role?: string | null;
            /** @description Prefix nodes that contain it. */
            parents: string[];
            /** @description Host nodes of the latest step inside it. */
            children: number;
            latest: components["schemas"]["Seen"][];
            /** @description At most 50. */
            alerts: components["schemas"]["AlertSummary"][];
        };
        Seen: {
            feature: string;
            unit: string;
            value: components["schemas"]["Number"];
            low: components["schemas"]["Number"];
            middle: components["schemas"]["Number"];
            high: components["schemas"]["Number"];
            bits: components["schemas"]["Number"];
        };
        NodeSeries: {
            node: string;
            resolution_ms: number;
            /** @description Starts of steps or buckets. A step of the memory in which the node was silent has volumes of 0. What history does not hold is left out. */
            times: components["schemas"]["Times"];
            features: components["schemas"]["FeatureSeries"][];
            surprise: {
                /** @description Bits. */
                total: components["schemas"]["Numbers"];
                by_feature: {
                    /** @description A feature, or gap: how long the node was silent before. */
                    feature: string;
                    bits: components["schemas"]["Numbers"];
                }[];
            };
            scores: {
                task: string;
                /** @description In force for this node, by its policy. */
                threshold: components["schemas"]["Number"];
                values: components["schemas"]["Numbers"];
            }[];
            /** @description That overlap the time. */
            alerts: components["schemas"]["AlertSummary"][];
        };
        Talker: {
            name: string;
            share: components["schemas"]["Number"];
            packets: components["schemas"]["Number"];
            bytes: components["schemas"]["Number"];
            flows: components["schemas"]["Number"];
        };
        Peers: {
            node: string;
            /** @description Flow records behind the figures. */
            sampled: number;
            from_ms: number | null;
            to_ms: number | null;
            sources: components["schemas"]["Talker"][];
            source_ports: components["schemas"]["Talker"][];
            ports: components["schemas"]["Talker"][];
            protocols: components["schemas"]["Talker"][];
            exporters: components["schemas"]["Talker"][];
        };
        Explore: {
            by: components["schemas"]["Dimension"];
            metric: string;
            resolution_ms: number;
            times: components["schemas"]["Times"];
            /** @description Of all traffic: the sum over each step or bucket, as are other and values. */
            total: components["schemas"]["Numbers"];
            /** @description total less all of `series`. */
            other: components["schemas"]["Numbers"];
            /** @description By their sum, most first. */
            series: {
                /** @description 198.51.100.7, tcp/443, udp, 192.0.2.1. */
                name: string;
                /** @description For people: tcp/443 https. */
                label: string;
                bytes: components["schemas"]["Number"];
                packets: components["schemas"]["Number"];
                flows: components["schemas"]["Number"];
                /** @description Of the total of `metric`. */
                share: components["schemas"]["Number"];
                values: components["schemas"]["Numbers"];
            }[];
        };
        AlertPage: {
            total: number;
            offset: number;
            alerts: components["schemas"]["AlertSummary"][];
        };
        /** @description The record as docs/formats.md has it (format 2), with times in ISO 8601, drivers, flows and filter. */
        AlertRecord: {
            format: number;
            /** @constant */
            record: "alert";
            id: string;
            event: string;
            node: string;
            task: string;
            type: string;
            severity: components["schemas"]["Severity"];
            start: string;
            raised: string;
            end?: string | null;
            features: {
                feature: string;
                unit: string;
                expected: components["schemas"]["Number"];
                upper: components["schemas"]["Number"];
                seen: components["schemas"]["Number"];
                bits: components["schemas"]["Number"];
                /** @enum {string} */
                by: "forecast" | "usual";
            }[];
            /** @description sampled, sampled_packets, distinct_sources; sources, source_ports, ports, protocols, exporters: lists of Talker. */
            flows?: Record<string, never> | null;
            /** @description text, match, action, rate, reason, covers, collateral, usual_flows, flowspec_nlri, gobgp, exabgp, nftables. */
            filter?: Record<string, never> | null;
        } & {
            [key: string]: unknown;
        };
        AlertDetail: {
            summary: components["schemas"]["AlertSummary"];
            record: components["schemas"]["AlertRecord"];
            /** @description The alert in sentences. */
            story: string;
            /** @description Its events, oldest first. */
            history: {
                event: string;
                time_ms: components["schemas"]["Time"];
                severity: components["schemas"]["Severity"];
                score: components["schemas"]["Number"];
            }[];
            feedback: components["schemas"]["Feedback"][];
        };
        FeedbackRequest: {
            /** @enum {string} */
            verdict: "confirmed" | "rejected";
        };
        Feedback: {
            alert: string;
            /** @enum {string} */
            verdict: "confirmed" | "rejected";
            given_ms: components["schemas"]["Time"];
        };
        TrainingRequest: {
            /**
             * @description calibrate: new thresholds on the stored traffic. finetune: a head from labels and verdicts. pretrain: a new model, then calibrate.
             * @enum {string}
             */
            kind: "calibrate" | "finetune" | "pretrain";
        };
        Training: {
            /** @description Training is in this build. */
            available: boolean;
            /**
             * @description taking: the model is made and is being taken over. taken: it is in force. refused: it does not fit, and the old one stays.
             * @enum {string}
             */
            state: "idle" | "running" | "taking" | "taken" | "refused" | "failed" | "stopped";
            /** @enum {string|null} */
            kind: "calibrate" | "finetune" | "pretrain" | null;
            /** Format: int64 */
            started_ms: number | null;
            /** Format: int64 */
            ended_ms: number | null;
            /** @description What the command is doing. */
            step: string | null;
            done: number | null;
            total: number | null;
            /** @description Progress in the command's words. */
            note: string;
            /** @description Folder of the new model. */
            model: string | null;
            /** @description What became of it. */
            message: string;
            /** @description The last lines that the command wrote. */
            lines: string[];
        };
        IncidentPage: {
            total: number;
            offset: number;
            incidents: components["schemas"]["Incident"][];
        };
        /** @description A record of docs/formats.md, with a name. */
        Incident: {
            /** @description "carpet bombing" where eight hosts or more are attacked; null: none, the type says what it is. */
            name: string | null;
        } & {
            [key: string]: unknown;
        };
        Ledger: {
            stage: string;
            in: number;
            out: number;
            held: number;
            drops: {
                [key: string]: number;
            };
        };
        Exporter: {
            exporter: string;
            packets_per_second: components["schemas"]["Number"];
            flows_per_second: components["schemas"]["Number"];
            /** @description When its packets were last seen to grow. */
            last_ms: number | null;
            /** @description By sequence, in units of each sequence. */
            lost: number;
            /** @description In the same units. */
            received: number;
            /** @description lost / (lost + received). */
            loss: components["schemas"]["Number"];
            templates: number;
            clock_skew_ms: number;
            timeouts: {
                /** @description Measured. */
                active_ms: number | null;
                /** @description Measured. */
                inactive_ms: number | null;
                announced_active_ms: number | null;
                announced_inactive_ms: number | null;
            };
            /** @description Rates that its flows were given in the last ten minutes; empty: no flow came. */
            sampling: {
                /** @description One packet in so many. */
                rate: number;
                /** @enum {string} */
                source: "announced" | "configured" | "assumed";
            }[];
            sequences: {
                version: number;
                unit: string;
                domain: number;
                received: number;
                lost: number;
                reordered: number;
                duplicates: number;
                resets: number;
            }[];
            /** @description Counted and nothing lost. */
            notes: {
                [key: string]: number;
            };
            ledgers: components["schemas"]["Ledger"][];
        };
        ExporterList: {
            exporters: components["schemas"]["Exporter"][];
            /** @description Every stage of the process. */
            ledgers: components["schemas"]["Ledger"][];
            sockets: {
                address: string;
                port: number;
                receive_buffer: number;
            }[];
            warnings: string[];
        };
        Model: {
            loaded: boolean;
            path?: string;
            loaded_ms?: components["schemas"]["Time"];
            /** @description When its files were written. */
            trained_ms?: number | null;
            /** @description Markdown. */
            card?: string;
            size?: string;
            parameters?: number;
            window?: number;
            step_ms?: number;
            quantiles?: components["schemas"]["Numbers"];
            fitted_nodes?: number | null;
            nodes?: {
                known: number;
                warm: number;
            };
            /** @description Nodes by the share of the window that is filled, ten classes. */
            warmth?: number[];
            tasks?: {
                name: string;
                score: string;
                enabled: boolean;
                default_rate: components["schemas"]["Number"];
                in_sample: boolean;
                from_ms?: components["schemas"]["Time"];
                to_ms?: components["schemas"]["Time"];
                node_days: components["schemas"]["Number"];
                thresholds: {
                    rate: number;
                    on: components["schemas"]["Number"];
                    off: components["schemas"]["Number"];
                    extrapolated: boolean;
                }[];
            }[];
            /** @description Calibration drift: of the last day's values of a volume, the share at or below the forecast's quantile. */
            coverage?: {
                feature: string;
                /** @description Expected 0.1. */
                low: components["schemas"]["Number"];
                /** @description Expected 0.5. */
                middle: components["schemas"]["Number"];
                /** @description Expected 0.9. */
                high: components["schemas"]["Number"];
                values: number;
            }[];
        };
        StepEvent: {
            /** @description Start of the step. */
            time_ms: components["schemas"]["Time"];
            step_ms: number;
            /** @description With a frame. */
            nodes: number;
            lag_ms: number;
            score_ms: number | null;
            alerts_open: number;
            totals: components["schemas"]["Totals"];
            /** @description Of the next step. */
            forecast: components["schemas"]["NextForecast"][];
        };
        TickEvent: {
            /** @description Start of the newest open step. */
            time_ms: components["schemas"]["Time"];
            now_ms: components["schemas"]["Time"];
            /** @description Of the step so far. */
            elapsed_ms: number;
            totals: components["schemas"]["Totals"];
        };
        Totals: {
            bytes_in: components["schemas"]["Number"];
            packets_in: components["schemas"]["Number"];
            flows_in: components["schemas"]["Number"];
            bytes_out: components["schemas"]["Number"];
            packets_out: components["schemas"]["Number"];
            flows_out: components["schemas"]["Number"];
        };
        AlertEvent: {
            /** @enum {string} */
            event: "raised" | "escalated" | "resumed" | "grouped" | "updated" | "ended";
            alert: components["schemas"]["AlertSummary"];
        };
        IncidentEvent: {
            /** @enum {string} */
            event: "raised" | "updated" | "ended";
            incident: components["schemas"]["Incident"];
        };
        ReloadEvent: {
            ok: boolean;
            message: string;
        };
    };
    responses: {
        /** @description A parameter or the body is wrong; `detail` names it. */
        BadRequest: {
            headers: {
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description A token is needed, or it is not known. */
        NoToken: {
            headers: {
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description The token's role may not do this. */
        NotAllowed: {
            headers: {
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description There is no such thing. */
        NotFound: {
            headers: {
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description Not possible at the moment, or not in this build; `detail` says which. */
        Conflict: {
            headers: {
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description The body is larger than the server takes. */
        TooLarge: {
            headers: {
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description The body's media type is not application/json. */
        NotJson: {
            headers: {
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description Too many requests of this address; `Retry-After` has the seconds to wait. */
        Busy: {
            headers: {
                "Retry-After"?: number;
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
    };
    parameters: {
        /** @description A node's name, percent-encoded: 192.0.2.1, 192.0.2.0%2F24, 192.0.2.254%237, AS64500. */
        Node: string;
        /** @description The alert's id, 16 hex digits. */
        AlertId: string;
        /** @description Milliseconds since 1970. Left out: one hour before `to` (alerts: all). */
        From: number;
        /** @description Milliseconds since 1970, exclusive. Left out: now. */
        To: number;
        Metric: "bytes" | "packets" | "flows";
    };
    requestBodies: never;
    headers: never;
    pathItems: never;
}
export type $defs = Record<string, never>;
export interface operations {
    health: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Alive. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Health"];
                };
            };
            429: components["responses"]["Busy"];
        };
    };
    ready: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Ready. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Ready"];
                };
            };
            429: components["responses"]["Busy"];
            /** @description Not ready, with the reasons. */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Ready"];
                };
            };
        };
    };
    metrics: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The metrics. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "text/plain": string;
                };
            };
            401: components["responses"]["NoToken"];
            429: components["responses"]["Busy"];
        };
    };
    status: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The status. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Status"];
                };
            };
            401: components["responses"]["NoToken"];
            429: components["responses"]["Busy"];
        };
    };
    features: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The features. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["FeatureList"];
                };
            };
            401: components["responses"]["NoToken"];
            429: components["responses"]["Busy"];
        };
    };
    overview: {
        parameters: {
            query?: {
                /** @description Milliseconds since 1970. Left out: one hour before `to` (alerts: all). */
                from?: components["parameters"]["From"];
                /** @description Milliseconds since 1970, exclusive. Left out: now. */
                to?: components["parameters"]["To"];
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The overview. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Overview"];
                };
            };
            400: components["responses"]["BadRequest"];
            401: components["responses"]["NoToken"];
            429: components["responses"]["Busy"];
        };
    };
    nodes: {
        parameters: {
            query?: {
                /** @description A part of the name, or a prefix such as 192.0.2.0/24: all nodes inside. */
                search?: string;
                kind?: "host" | "prefix" | "interface" | "as";
                /** @description Descending, but for name. */
                sort?: "surprise" | "bytes" | "packets" | "flows" | "name";
                offset?: number;
                limit?: number;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description One page. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["NodePage"];
                };
            };
            400: components["responses"]["BadRequest"];
            401: components["responses"]["NoToken"];
            429: components["responses"]["Busy"];
        };
    };
    node: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description A node's name, percent-encoded: 192.0.2.1, 192.0.2.0%2F24, 192.0.2.254%237, AS64500. */
                node: components["parameters"]["Node"];
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The node. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Node"];
                };
            };
            400: components["responses"]["BadRequest"];
            401: components["responses"]["NoToken"];
            404: components["responses"]["NotFound"];
            429: components["responses"]["Busy"];
        };
    };
    node_series: {
        parameters: {
            query?: {
                /** @description Milliseconds since 1970. Left out: one hour before `to` (alerts: all). */
                from?: components["parameters"]["From"];
                /** @description Milliseconds since 1970, exclusive. Left out: now. */
                to?: components["parameters"]["To"];
                /** @description Names with commas; all features where it is left out. */
                features?: components["schemas"]["FeatureName"][];
            };
            header?: never;
            path: {
                /** @description A node's name, percent-encoded: 192.0.2.1, 192.0.2.0%2F24, 192.0.2.254%237, AS64500. */
                node: components["parameters"]["Node"];
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The series. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["NodeSeries"];
                };
            };
            400: components["responses"]["BadRequest"];
            401: components["responses"]["NoToken"];
            404: components["responses"]["NotFound"];
            429: components["responses"]["Busy"];
        };
    };
    node_peers: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description A node's name, percent-encoded: 192.0.2.1, 192.0.2.0%2F24, 192.0.2.254%237, AS64500. */
                node: components["parameters"]["Node"];
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The sample. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Peers"];
                };
            };
            400: components["responses"]["BadRequest"];
            401: components["responses"]["NoToken"];
            404: components["responses"]["NotFound"];
            429: components["responses"]["Busy"];
        };
    };
    explore: {
        parameters: {
            query: {
                by: components["schemas"]["Dimension"];
                metric?: components["parameters"]["Metric"];
                /** @description Milliseconds since 1970. Left out: one hour before `to` (alerts: all). */
                from?: components["parameters"]["From"];
                /** @description Milliseconds since 1970, exclusive. Left out: now. */
                to?: components["parameters"]["To"];
                /** @description Names with a series of their own. */
                limit?: number;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The breakdown. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Explore"];
                };
            };
            400: components["responses"]["BadRequest"];
            401: components["responses"]["NoToken"];
            429: components["responses"]["Busy"];
        };
    };
    alerts: {
        parameters: {
            query?: {
                state?: "open" | "ended" | "all";
                /** @description A node's name or a prefix. */
                node?: string;
                /** @description At least. */
                severity?: components["schemas"]["Severity"];
                type?: string;
                /** @description false leaves suppressed alerts out. */
                suppressed?: boolean;
                /** @description Milliseconds since 1970. Left out: one hour before `to` (alerts: all). */
                from?: components["parameters"]["From"];
                /** @description Milliseconds since 1970, exclusive. Left out: now. */
                to?: components["parameters"]["To"];
                offset?: number;
                limit?: number;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description One page. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["AlertPage"];
                };
            };
            400: components["responses"]["BadRequest"];
            401: components["responses"]["NoToken"];
            429: components["responses"]["Busy"];
        };
    };
    alert: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description The alert's id, 16 hex digits. */
                id: components["parameters"]["AlertId"];
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The alert. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["AlertDetail"];
                };
            };
            400: components["responses"]["BadRequest"];
            401: components["responses"]["NoToken"];
            404: components["responses"]["NotFound"];
            429: components["responses"]["Busy"];
        };
    };
    feedback: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description The alert's id, 16 hex digits. */
                id: components["parameters"]["AlertId"];
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["FeedbackRequest"];
            };
        };
        responses: {
            /** @description Stored. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Feedback"];
                };
            };
            400: components["responses"]["BadRequest"];
            401: components["responses"]["NoToken"];
            403: components["responses"]["NotAllowed"];
            404: components["responses"]["NotFound"];
            413: components["responses"]["TooLarge"];
            415: components["responses"]["NotJson"];
            429: components["responses"]["Busy"];
        };
    };
    incidents: {
        parameters: {
            query?: {
                offset?: number;
                limit?: number;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description One page. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["IncidentPage"];
                };
            };
            400: components["responses"]["BadRequest"];
            401: components["responses"]["NoToken"];
            429: components["responses"]["Busy"];
        };
    };
    exporters: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The exporters. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ExporterList"];
                };
            };
            401: components["responses"]["NoToken"];
            429: components["responses"]["Busy"];
        };
    };
    model: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The model; `loaded` is false where there is none. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Model"];
                };
            };
            401: components["responses"]["NoToken"];
            429: components["responses"]["Busy"];
        };
    };
    training: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Its state. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Training"];
                };
            };
            401: components["responses"]["NoToken"];
            429: components["responses"]["Busy"];
        };
    };
    startTraining: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["TrainingRequest"];
            };
        };
        responses: {
            /** @description It has begun. */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Training"];
                };
            };
            400: components["responses"]["BadRequest"];
            401: components["responses"]["NoToken"];
            403: components["responses"]["NotAllowed"];
            409: components["responses"]["Conflict"];
            413: components["responses"]["TooLarge"];
            415: components["responses"]["NotJson"];
            429: components["responses"]["Busy"];
        };
    };
    stopTraining: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description It is being stopped. */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Training"];
                };
            };
            401: components["responses"]["NoToken"];
            403: components["responses"]["NotAllowed"];
            409: components["responses"]["Conflict"];
            413: components["responses"]["TooLarge"];
            429: components["responses"]["Busy"];
        };
    };
    reload: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Asked for. */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Accepted"];
                };
            };
            401: components["responses"]["NoToken"];
            403: components["responses"]["NotAllowed"];
            413: components["responses"]["TooLarge"];
            429: components["responses"]["Busy"];
        };
    };
    events: {
        parameters: {
            query?: {
                /** @description For EventSource. */
                token?: string;
            };
            header?: {
                "Last-Event-ID"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The stream. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "text/event-stream": string;
                };
            };
            400: components["responses"]["BadRequest"];
            401: components["responses"]["NoToken"];
            429: components["responses"]["Busy"];
        };
    };
}

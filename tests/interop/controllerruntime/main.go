// An operator on controller-runtime. Its manager elects a leader, and its controller runs on every replica.
package main

import (
	"flag"
	"os"
	"time"

	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/util/workqueue"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/builder"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	"sigs.k8s.io/controller-runtime/pkg/log/zap"
	"sigs.k8s.io/controller-runtime/pkg/metrics/server"
	"sigs.k8s.io/controller-runtime/pkg/predicate"

	demov1 "leadergate.dev/interop/api/v1"
)

func main() {
	namespace := flag.String("namespace", "default", "namespace to watch, and of the Lease")
	leaseDuration := flag.Duration("lease-duration", 15*time.Second, "how long others wait for a renewal")
	renewDeadline := flag.Duration("renew-deadline", 10*time.Second, "how long a leader tries to renew")
	retryPeriod := flag.Duration("retry-period", 2*time.Second, "time between attempts at the Lease")
	onlyGenerations := flag.Bool("generation-changed-predicate", false, "reconcile only when the spec has changed")
	onlyLeader := flag.Bool("only-leader", false, "reconcile on the leader alone, as controllers do by default")
	skipObserved := flag.Bool("skip-observed", false, "leave a status alone that speaks of the generation")
	retryPause := flag.Duration("retry-pause", 0, "pause before each retry, in place of one that grows")
	options := zap.Options{}
	options.BindFlags(flag.CommandLine)
	flag.Parse()
	ctrl.SetLogger(zap.New(zap.UseFlagOptions(&options)))
	log := ctrl.Log.WithName("setup")

	scheme := runtime.NewScheme()
	if err := demov1.AddToScheme(scheme); err != nil {
		log.Error(err, "cannot register the types")
		os.Exit(1)
	}
	manager, err := ctrl.NewManager(ctrl.GetConfigOrDie(), ctrl.Options{
		Scheme:                  scheme,
		Cache:                   cache.Options{DefaultNamespaces: map[string]cache.Config{*namespace: {}}},
		Metrics:                 server.Options{BindAddress: "0"},
		LeaderElection:          true,
		LeaderElectionID:        "redirects.demo.leadergate.dev",
		LeaderElectionNamespace: *namespace,
		LeaseDuration:           leaseDuration,
		RenewDeadline:           renewDeadline,
		RetryPeriod:             retryPeriod,
	})
	if err != nil {
		log.Error(err, "cannot make the manager")
		os.Exit(1)
	}

	var wanted []builder.ForOption
	if *onlyGenerations {
		wanted = append(wanted, builder.WithPredicates(predicate.GenerationChangedPredicate{}))
	}
	hostname, err := os.Hostname()
	if err != nil {
		log.Error(err, "cannot tell the host's name")
		os.Exit(1)
	}
	how := controller.Options{NeedLeaderElection: onlyLeader}
	if *retryPause > 0 {
		how.RateLimiter = workqueue.NewTypedItemExponentialFailureRateLimiter[ctrl.Request](*retryPause, *retryPause)
	}
	err = ctrl.NewControllerManagedBy(manager).
		For(&demov1.Redirect{}, wanted...).
		WithOptions(how).
		Complete(&RedirectReconciler{Client: manager.GetClient(), Hostname: hostname, SkipObserved: *skipObserved})
	if err != nil {
		log.Error(err, "cannot make the controller")
		os.Exit(1)
	}
	if err := manager.Start(ctrl.SetupSignalHandler()); err != nil {
		log.Error(err, "the manager has ended")
		os.Exit(1)
	}
}

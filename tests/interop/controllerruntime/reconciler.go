package main

import (
	"context"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	demov1 "leadergate.dev/interop/api/v1"
)

// RedirectReconciler tells in each Redirect's status that it is programmed.
type RedirectReconciler struct {
	client.Client
	Hostname string
	// SkipObserved leaves a status alone that speaks of the Redirect's generation, whoever wrote it.
	SkipObserved bool
}

// Reconcile brings one status up to date.
func (r *RedirectReconciler) Reconcile(ctx context.Context, request ctrl.Request) (ctrl.Result, error) {
	var redirect demov1.Redirect
	if err := r.Get(ctx, request.NamespacedName, &redirect); err != nil {
		return ctrl.Result{}, client.IgnoreNotFound(err)
	}
	if r.SkipObserved && redirect.Status.ObservedGeneration == redirect.Generation {
		return ctrl.Result{}, nil
	}
	redirect.Status.ObservedGeneration = redirect.Generation
	redirect.Status.WrittenBy = r.Hostname
	meta.SetStatusCondition(&redirect.Status.Conditions, metav1.Condition{
		Type:               "Programmed",
		Status:             metav1.ConditionTrue,
		ObservedGeneration: redirect.Generation,
		Reason:             "Serving",
		Message:            redirect.Spec.Path + " leads to " + redirect.Spec.Target,
	})
	return ctrl.Result{}, r.Status().Update(ctx, &redirect)
}
